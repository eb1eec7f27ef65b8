#include "refuse.h"

#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "loop/loop.h"

/* The linker's names for what is led here and what it stood for. */
#define WRAP(type, name, parameters, words, failure)                          \
	type __real_##name parameters;                                        \
	type __wrap_##name parameters;                                        \
	type __wrap_##name parameters                                         \
	{                                                                     \
		return starve_fails(#name) ? (failure) : __real_##name words; \
	}

static int says(int error)
{
	errno = error;
	return -1;
}

/* --- the C library */

WRAP(char *, strdup, (const char *s), (s), NULL)
WRAP(char *, strndup, (const char *s, size_t n), (s, n), NULL)
WRAP(void *, aligned_alloc, (size_t to, size_t n), (to, n), NULL)
WRAP(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), says(EIO))
WRAP(DIR *, opendir, (const char *name), (name), NULL)
WRAP(int, socket, (int family, int type, int protocol), (family, type, protocol), says(EMFILE))
WRAP(int, setsockopt, (int fd, int level, int name, const void *v, socklen_t n), (fd, level, name, v, n),
     says(EPERM))
WRAP(int, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n), says(EACCES))
WRAP(int, listen, (int fd, int n), (fd, n), says(EADDRINUSE))
WRAP(int, getsockname, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n), says(ENOBUFS))
WRAP(int, fstat, (int fd, struct stat *st), (fd, st), says(EBADF))
WRAP(int, epoll_create1, (int flags), (flags), says(EMFILE))
WRAP(int, eventfd, (unsigned n, int flags), (n, flags), says(EMFILE))
WRAP(int, epoll_ctl, (int fd, int op, int of, struct epoll_event *e), (fd, op, of, e), says(ENOSPC))
WRAP(int, pthread_create, (pthread_t * t, const pthread_attr_t *a, void *(*fn)(void *), void *arg),
     (t, a, fn, arg), EAGAIN)

int __real_open(const char *path, int flags, ...);
int __real_fcntl(int fd, int cmd, ...);
int __wrap_asprintf(char **ret, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int __wrap_open(const char *path, int flags, ...);
int __wrap_fcntl(int fd, int cmd, ...);

int __wrap_asprintf(char **ret, const char *fmt, ...)
{
	va_list ap;
	*ret = NULL;
	if (starve_fails("asprintf"))
		return -1;
	va_start(ap, fmt);
	int n = vasprintf(ret, fmt, ap);
	va_end(ap);
	return n;
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(ap, int) : 0;
	va_end(ap);
	return starve_fails("open") ? says(EACCES) : __real_open(path, flags, mode);
}

int __wrap_fcntl(int fd, int cmd, ...)
{
	va_list ap;
	va_start(ap, cmd);
	int n = va_arg(ap, int);
	va_end(ap);
	return starve_fails("fcntl") ? says(EMFILE) : __real_fcntl(fd, cmd, n);
}

/* Only when a test names it: the loop asks without end, and is told. */
int __real_clock_gettime(clockid_t id, struct timespec *t);
int __wrap_clock_gettime(clockid_t id, struct timespec *t);

int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
	return starve_named("clock_gettime") ? says(EINVAL) : __real_clock_gettime(id, t);
}

/* The same of what a loop and a log live by. */
#define WRAP_NAMED(type, name, parameters, words, failure)                    \
	type __real_##name parameters;                                        \
	type __wrap_##name parameters;                                        \
	type __wrap_##name parameters                                         \
	{                                                                     \
		return starve_named(#name) ? (failure) : __real_##name words; \
	}

WRAP_NAMED(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), says(EIO))
WRAP_NAMED(int, fsync, (int fd), (fd), says(EIO))
WRAP_NAMED(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
           (a, from, b, to, flags), says(EIO))

/* --- the loop's timers, of which a heap that has grown never runs out */

static enum err_code cleared(struct loop *l, struct loop_timer *t)
{
	loop_timer_clear(l, t);
	return ERR_NOMEM;
}

WRAP(enum err_code, loop_timer_set, (struct loop * l, struct loop_timer *t, int64_t due_ms), (l, t, due_ms),
     cleared(l, t))

/* --- OpenSSL */

WRAP(EVP_MD *, EVP_MD_fetch, (OSSL_LIB_CTX * c, const char *name, const char *q), (c, name, q), NULL)
WRAP(EVP_CIPHER *, EVP_CIPHER_fetch, (OSSL_LIB_CTX * c, const char *name, const char *q), (c, name, q), NULL)
WRAP(EVP_MAC *, EVP_MAC_fetch, (OSSL_LIB_CTX * c, const char *name, const char *q), (c, name, q), NULL)
WRAP(EVP_MD_CTX *, EVP_MD_CTX_new, (void), (), NULL)
WRAP(EVP_MAC_CTX *, EVP_MAC_CTX_new, (EVP_MAC * m), (m), NULL)
WRAP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, (void), (), NULL)
WRAP(int, EVP_Digest,
     (const void *p, size_t n, unsigned char *out, unsigned *out_n, const EVP_MD *md, ENGINE *e),
     (p, n, out, out_n, md, e), 0)
WRAP(int, EVP_DigestInit_ex2, (EVP_MD_CTX * c, const EVP_MD *md, const OSSL_PARAM *p), (c, md, p), 0)
WRAP(int, EVP_DigestUpdate, (EVP_MD_CTX * c, const void *p, size_t n), (c, p, n), 0)
WRAP(int, EVP_DigestFinal_ex, (EVP_MD_CTX * c, unsigned char *out, unsigned *n), (c, out, n), 0)
WRAP(int, EVP_MAC_init, (EVP_MAC_CTX * c, const unsigned char *key, size_t n, const OSSL_PARAM *p),
     (c, key, n, p), 0)
WRAP(int, EVP_MAC_update, (EVP_MAC_CTX * c, const unsigned char *p, size_t n), (c, p, n), 0)
WRAP(int, EVP_MAC_final, (EVP_MAC_CTX * c, unsigned char *out, size_t *n, size_t cap), (c, out, n, cap), 0)
WRAP(int, EVP_EncryptInit_ex2,
     (EVP_CIPHER_CTX * c, const EVP_CIPHER *t, const unsigned char *key, const unsigned char *iv,
      const OSSL_PARAM *p),
     (c, t, key, iv, p), 0)
WRAP(int, EVP_EncryptUpdate,
     (EVP_CIPHER_CTX * c, unsigned char *out, int *n, const unsigned char *in, int in_n),
     (c, out, n, in, in_n), 0)
WRAP(int, EVP_EncryptFinal_ex, (EVP_CIPHER_CTX * c, unsigned char *out, int *n), (c, out, n), 0)
WRAP(int, EVP_DecryptInit_ex2,
     (EVP_CIPHER_CTX * c, const EVP_CIPHER *t, const unsigned char *key, const unsigned char *iv,
      const OSSL_PARAM *p),
     (c, t, key, iv, p), 0)
WRAP(int, EVP_DecryptUpdate,
     (EVP_CIPHER_CTX * c, unsigned char *out, int *n, const unsigned char *in, int in_n),
     (c, out, n, in, in_n), 0)
WRAP(int, EVP_CIPHER_CTX_ctrl, (EVP_CIPHER_CTX * c, int type, int n, void *p), (c, type, n, p), 0)
WRAP(int, RAND_bytes, (unsigned char *p, int n), (p, n), 0)

/* --- libcurl */

WRAP(CURLcode, curl_global_init, (long flags), (flags), CURLE_FAILED_INIT)
WRAP(CURLM *, curl_multi_init, (void), (), NULL)
WRAP(CURL *, curl_easy_init, (void), (), NULL)
WRAP_NAMED(CURLcode, curl_easy_send, (CURL * e, const void *p, size_t n, size_t *sent), (e, p, n, sent),
           CURLE_AGAIN)
WRAP(CURLMcode, curl_multi_socket_action, (CURLM * m, curl_socket_t fd, int bits, int *running),
     (m, fd, bits, running), CURLM_OUT_OF_MEMORY)
WRAP(CURLMcode, curl_multi_add_handle, (CURLM * m, CURL *e), (m, e), CURLM_OUT_OF_MEMORY)

#undef curl_easy_setopt
CURLcode __real_curl_easy_setopt(CURL *e, CURLoption option, ...);
CURLcode __wrap_curl_easy_setopt(CURL *e, CURLoption option, ...);

CURLcode __wrap_curl_easy_setopt(CURL *e, CURLoption option, ...)
{
	va_list ap;
	va_start(ap, option);
	void *v = va_arg(ap, void *); /* a long or a pointer: alike where this runs */
	va_end(ap);
	return starve_fails("curl_easy_setopt") ? CURLE_OUT_OF_MEMORY : __real_curl_easy_setopt(e, option, v);
}

/* --- libmicrohttpd */

WRAP(struct MHD_Response *, MHD_create_response_from_buffer,
     (size_t n, void *p, enum MHD_ResponseMemoryMode mode), (n, p, mode), NULL)
WRAP(enum MHD_Result, MHD_add_response_header, (struct MHD_Response * r, const char *name, const char *v),
     (r, name, v), MHD_NO)
WRAP(enum MHD_Result, MHD_queue_response,
     (struct MHD_Connection * k, unsigned status, struct MHD_Response *r), (k, status, r), MHD_NO)
WRAP(const union MHD_DaemonInfo *, MHD_get_daemon_info,
     (struct MHD_Daemon * d, enum MHD_DaemonInfoType type, ...), (d, type), NULL)
WRAP(const union MHD_ConnectionInfo *, MHD_get_connection_info,
     (struct MHD_Connection * k, enum MHD_ConnectionInfoType type, ...), (k, type), NULL)

struct MHD_Daemon *__wrap_MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept,
                                           void *accept_arg, MHD_AccessHandlerCallback handle, void *arg,
                                           ...);

struct MHD_Daemon *__wrap_MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept,
                                           void *accept_arg, MHD_AccessHandlerCallback handle, void *arg, ...)
{
	va_list ap;
	if (starve_fails("MHD_start_daemon"))
		return NULL;
	va_start(ap, arg);
	struct MHD_Daemon *d = MHD_start_daemon_va(flags, port, accept, accept_arg, handle, arg, ap);
	va_end(ap);
	return d;
}

/* --- cJSON */

WRAP(cJSON *, cJSON_ParseWithLength, (const char *text, size_t n), (text, n), NULL)
