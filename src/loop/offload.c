#include "loop/offload.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "obs/metrics.h"

struct offload {
	struct offload_options opt;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct offload_job *head, *tail; /* waiting, in order of arrival */
	size_t waiting;
	bool stop;
	size_t running; /* threads started */
	pthread_t thread[];
};

static struct offload_job *next_job(struct offload *o)
{
	pthread_mutex_lock(&o->lock);
	while (o->head == NULL && !o->stop)
		pthread_cond_wait(&o->wake, &o->lock);
	struct offload_job *j = o->head;
	if (j != NULL) {
		o->head = j->next;
		o->waiting--;
		metric_add(M_OFFLOAD_QUEUED, -1);
	}
	pthread_mutex_unlock(&o->lock);
	return j;
}

static void job_done(struct loop_post *p)
{
	struct offload_job *j = LIST_ENTRY(p, struct offload_job, post);
	j->done(j);
}

static void *work(void *arg)
{
	struct offload *o = arg;
	(void)pthread_setname_np(pthread_self(), o->opt.name);
	/* On Linux this sets the calling thread only. */
	if (o->opt.nice > 0)
		(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), o->opt.nice);
	for (struct offload_job *j; (j = next_job(o)) != NULL;) {
		j->work(j);
		j->post.fn = job_done;
		loop_post(j->home, &j->post);
	}
	return NULL;
}

enum err_code offload_new(const struct offload_options *opt, struct offload **ret, struct err *reterr)
{
	struct offload *o = calloc(1, sizeof *o + opt->threads * sizeof(pthread_t));
	if (o == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for the %s threads", opt->name);
	o->opt = *opt;
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->wake, NULL);
	for (; o->running < opt->threads; o->running++)
		if (pthread_create(&o->thread[o->running], NULL, work, o) != 0) {
			offload_free(o);
			return err_set(reterr, ERR_NOMEM, "cannot start a %s thread", opt->name);
		}
	*ret = o;
	return ERR_OK;
}

void offload_free(struct offload *o)
{
	if (o == NULL)
		return;
	pthread_mutex_lock(&o->lock);
	o->stop = true;
	pthread_cond_broadcast(&o->wake);
	pthread_mutex_unlock(&o->lock);
	for (size_t i = 0; i < o->running; i++)
		(void)pthread_join(o->thread[i], NULL);
	pthread_cond_destroy(&o->wake);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

enum err_code offload_start(struct offload *o, struct loop *home, struct offload_job *j)
{
	j->home = home;
	j->next = NULL;
	pthread_mutex_lock(&o->lock);
	bool full = o->stop || o->waiting >= o->opt.queue_max;
	if (!full) {
		if (o->head == NULL)
			o->head = j;
		else
			o->tail->next = j;
		o->tail = j;
		o->waiting++;
		metric_add(M_OFFLOAD_QUEUED, 1);
		pthread_cond_signal(&o->wake);
	}
	pthread_mutex_unlock(&o->lock);
	if (full)
		metric_add(M_OFFLOAD_REFUSED, 1);
	return full ? ERR_BUSY : ERR_OK;
}
