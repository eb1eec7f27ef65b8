# Tests and lints; the Makefile includes this.  The steps of check and check-all are listed in tests/check.py.
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c tests/store/test_*.c))
# Programs that give the Python tests access to a module.
DRIVER_SRC := $(sort $(wildcard tests/aws/*_driver.c tests/load/*_driver.c))
DRIVER := $(DRIVER_SRC:tests/%.c=$(BUILD)/%)
UNIT := $(patsubst tests/%.c,$(BUILD)/%,$(UNIT_SRC))
# Helpers of the tests: every other .c file beside them, in a library of which each test takes what it calls.
HELP_SRC := $(filter-out $(UNIT_SRC),$(sort $(wildcard tests/unit/*.c tests/store/*.c)))
HELP_OBJ := $(HELP_SRC:tests/%.c=$(BUILD)/obj-tests/%.o)
HELP := $(BUILD)/libtests.a
# Functions that unit/starve.c makes fail.
STARVED := malloc calloc realloc crypto_sha256 crypto_sha256_text crypto_hmac_sha256 crypto_mac_new crypto_mac_key \
	crypto_mac_run crypto_hkdf_sha256 crypto_seal crypto_open crypto_random sqlite_db_bind sqlite_db_run sqlite3_step
# Functions that unit/refuse.c also makes fail: the second argument of each row `WRAP(type, name, ...)` and each `__wrap_name`.
REFUSED := $(sort $(shell sed -n 's/^WRAP.[^,]*, \([A-Za-z0-9_]*\),.*/\1/p; s/.*__wrap_\([A-Za-z0-9_][A-Za-z0-9_]*\).*/\1/p' tests/unit/refuse.c))
includes = $(findstring "$(2)",$(file <$(1)))
starve = $(if $(call includes,$(1),starve.h)$(call includes,$(1),refuse.h),$(STARVED:%=-Wl,--wrap=%)) \
	$(if $(call includes,$(1),refuse.h),$(REFUSED:%=-Wl,--wrap=%))

$(BUILD)/obj-tests/%.o: tests/%.c $(BUILD)/how
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(COMPILE) -Itests -Itests/unit -MMD -MP -c -o $@ $<

$(HELP): $(HELP_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(UNIT): $(BUILD)/%: $(BUILD)/obj-tests/%.o $(HELP) $(LIB)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(LINK) -o $@ $< $(call starve,tests/$*.c) -Wl,--start-group $(HELP) $(LIB) -Wl,--end-group $(LIBS) -lcmocka

$(BUILD)/aws/sigv4_driver: $(BUILD)/obj-tests/unit/sigv4_oracle.o
$(DRIVER): $(BUILD)/%: $(BUILD)/obj-tests/%.o $(LIB)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(LINK) -o $@ $^ $(LIBS)

# Each fuzz target becomes two programs: one replays its corpus, one uses libFuzzer (make fuzz).
FUZZ_TARGETS := $(patsubst tests/fuzz/target_%.c,%,$(sort $(wildcard tests/fuzz/target_*.c)))
REPLAY := $(FUZZ_TARGETS:%=$(BUILD)/replay/%)
FUZZER := $(FUZZ_TARGETS:%=$(BUILD)/fuzzer/%)

$(REPLAY): $(BUILD)/replay/%: $(BUILD)/obj-tests/fuzz/target_%.o $(BUILD)/obj-tests/fuzz/fuzz.o \
		$(BUILD)/obj-tests/fuzz/replay.o $(LIB)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(LINK) -o $@ $^ $(LIBS) -lm

$(FUZZER): $(BUILD)/fuzzer/%: $(BUILD)/obj-tests/fuzz/target_%.o $(BUILD)/obj-tests/fuzz/fuzz.o $(LIB)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBS) -lm

# A library to preload.  It is never built with a sanitizer, because it may be loaded before one.
TORTURE := $(BUILD)/torture/torture.so
$(TORTURE): $(wildcard tests/torture/*.[ch]) tests/torture/kinds.def $(BUILD)/how
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) $(if $(WERROR),-Werror) -O2 -g -fPIC -shared -fno-builtin -fno-omit-frame-pointer \
		-o $@ $(filter %.c,$^) -ldl -lgcc_s -pthread

# A library to preload into a build with -finstrument-functions: it records the functions that a request enters.
WALK := $(BUILD)/walk/walk.so
$(WALK): tests/walk/walk.c $(BUILD)/how
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) $(if $(WERROR),-Werror) -O2 -g -fPIC -shared -o $@ $<

walk: $(WALK)

# The programs of make bench; every other .c file beside them is linked into each.
BENCH := $(addprefix $(BUILD)/bench/,standin bodies floor pace)
BENCH_HELP := $(filter-out $(BENCH:$(BUILD)/%=$(BUILD)/obj-tests/%.o), \
	$(patsubst tests/%.c,$(BUILD)/obj-tests/%.o,$(sort $(wildcard tests/bench/*.c))))

$(BENCH): $(BUILD)/%: $(BUILD)/obj-tests/%.o $(BENCH_HELP) $(LIB)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(LINK) -o $@ $^ $(LIBS)

# The program with groups of one: each write to SQLite is its own transaction.
ALONE := $(BUILD)/bench/alone
$(ALONE)/store/sqlite/private.h: src/store/sqlite/private.h
	@mkdir -p $(@D)
	$(Q)sed 's/SQLITE_GROUP_MAX = [0-9]*/SQLITE_GROUP_MAX = 1/' $< >$@ && grep -q 'MAX = 1[ ,]' $@

$(ALONE)/%.o: src/store/sqlite/%.c $(ALONE)/store/sqlite/private.h $(wildcard src/store/*.h src/store/sqlite/*.h src/store/sqlite/*.def) $(BUILD)/how
	@echo "  CC    $< (groups of one)"
	$(Q)$(COMPILE) -iquote $(ALONE) -c -o $@ $<

$(BUILD)/bench/account-linkd-alone: $(BUILD)/obj/main.o $(ALONE)/sqlite.o $(ALONE)/group.o $(LIB)
	@echo "  LD    $@"
	$(Q)$(LINK) -o $@ $^ $(LIBS)

# The program without net/poster: libcurl writes the requests to DynamoDB.
$(BUILD)/bench/account-linkd-libcurl: $(BUILD)/obj/main.o $(BUILD)/obj-tests/bench/variants/httpc_post.o $(LIB)
	@echo "  LD    $@"
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(BUILD)/bench/%.so: tests/bench/preload/%.c $(BUILD)/how
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) $(if $(WERROR),-Werror) -O2 -fPIC -shared -o $@ $<

bench-tools: $(BENCH) $(BUILD)/bench/account-linkd-alone $(BUILD)/bench/account-linkd-libcurl $(BUILD)/bench/slowflush.so

# ROWS="healthz linked" some of them; ROUNDS=5 SECONDS=2; WRITE=1 puts the figures into tests/bench/README.md
bench:
	@sh tests/install.sh bench
	@$(MAKE) --no-print-directory all bench-tools
	@cd tests && $(PY) -m bench $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(WRITE),--write) $(ROWS)

# programs and the library that the Python tests use
drivers: $(DRIVER) $(TORTURE)

replay: $(REPLAY)

unit-programs: $(UNIT)

tests: unit-programs drivers replay

# runs one after another and stops at the first that fails
unit: unit-programs
	@for t in $(UNIT); do echo "== $$t"; $$t || exit 1; done

check:
	@sh tests/install.sh check
	@$(PY) tests/check.py check

check-all:
	@sh tests/install.sh all
	@$(PY) tests/check.py all

# the image of docker/Dockerfile, without a Docker engine
image-check:
	@sh tests/install.sh image
	@$(PY) tests/check.py all image

# FUZZ="target ..." (all), SECONDS=n for each; adds its counts to tests/FIGURES.md
fuzz:
	@sh tests/install.sh fuzz
	@$(MAKE) --no-print-directory all
	@$(PY) tests/fuzz/fuzz.py run $(FUZZ) --seconds $(or $(SECONDS),60)

# LEDGER=file: adds runs of other machines to the same table
fuzz-add: all
	@$(PY) tests/fuzz/fuzz.py add $(LEDGER)

# FOUND=folder: minimises new inputs and adds them to tests/fuzz/corpus
fuzz-merge:
	@sh tests/install.sh fuzz
	@$(PY) tests/fuzz/fuzz.py merge $(FOUND)

coverage:
	@sh tests/install.sh check
	@$(PY) tests/check.py coverage

lint: $(STYLE_PATH)
	@$(PY) tests/lint/all.py

# the program writes config/README.md
readme: all
	@$(BUILD)/account-linkd print-config --readme >$(BUILD)/README.md && mv $(BUILD)/README.md config/README.md

format:
	@find src tests -name '*.[ch]' | xargs clang-format -i

.PHONY: tests drivers replay unit-programs walk bench bench-tools unit check check-all image-check fuzz fuzz-add fuzz-merge coverage lint readme format
.SECONDARY:
