# account-linkd
#   make            build build/account-linkd
#   make run        try it: install what is missing, build, start it with a Messenger simulator (DEMO=its options)
#   make check      every test in its short form; the last line says how many passed
#   make check-all  all that and the long ones: threads, valgrind, full rounds, fresh machines
#   make bench      what a request costs, and whether the limits hold (tests/bench/README.md)
#   make fuzz       [FUZZ=target] [SECONDS=60]: look for inputs that break a parser
#   make lint       make format     make coverage     make clean
#   make install    [DESTDIR=] [PREFIX=/usr/local]
# Variables: CC, CFLAGS, CPPFLAGS, LDFLAGS, BUILD (folder), SAN (sanitizer flags), WERROR=1, V=1 (show commands)
BUILD ?= build
PREFIX ?= /usr/local
ifeq ($(origin CC),default)
CC := gcc
endif
OPT ?= -O2 -g
CFLAGS ?= $(OPT)
Q := $(if $(V),,@)
PY := PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3
MACHINE := $(shell $(CC) -dumpmachine 2>/dev/null)

# Each library has its pkg-config name here and its package in tests/packages.
PKGS := libmicrohttpd libcurl libcrypto libcjson sqlite3 libargon2 libcrypt
READY := $(if $(MACHINE),$(shell pkg-config --exists $(PKGS) 2>/dev/null && echo yes))

WARN := -Wall -Wextra -Wformat=2 -Wconversion -Wsign-conversion -Wimplicit-fallthrough -Werror=format-security \
	-Werror=implicit -Werror=int-conversion -Wshadow -Wvla -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes \
	-Wnull-dereference
WARN_GCC := -Werror=incompatible-pointer-types -Wtrampolines -Wbidi-chars=any -Wlogical-op -Wduplicated-cond \
	-Wstringop-overflow=4 -Warray-bounds=2 -Wstack-usage=65536
WARN += $(if $(findstring clang,$(CC)),,$(WARN_GCC))
# Level 3 needs an optimizer, and hides errors from the sanitizers: off with either.
FORTIFY ?= -U_FORTIFY_SOURCE $(if $(SAN)$(filter -O0,$(CFLAGS)),,-D_FORTIFY_SOURCE=3)
BRANCH := $(if $(filter x86_64%,$(MACHINE)),-fcf-protection=full)$(if $(filter aarch64%,$(MACHINE)),-mbranch-protection=standard)
HARDEN := -fstack-clash-protection -fstack-protector-strong $(BRANCH) -fPIE -fexceptions \
	-fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -ftrivial-auto-var-init=zero
# Not --as-needed with a sanitizer: its own crypt_r would make libcrypt look unneeded, and then call nothing.
HARDEN_LD := -pie -Wl,-z,nodlopen -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now -Wl,-z,separate-code \
	-Wl,--no-copy-dt-needed-entries $(if $(SAN),,-Wl,--as-needed)

PKG_CFLAGS := $(if $(READY),$(shell pkg-config --cflags $(PKGS)))
PKG_LIBS := $(if $(READY),$(shell pkg-config --libs $(PKGS)))
COMPILE = $(CC) -std=c11 -pthread -Isrc -I$(BUILD)/gen -D_GNU_SOURCE $(CPPFLAGS) $(FORTIFY) $(PKG_CFLAGS) \
	$(WARN) $(HARDEN) $(CFLAGS) $(SAN) $(if $(WERROR),-Werror)
LINK = $(CC) -pthread $(HARDEN_LD) $(CFLAGS) $(SAN) $(LDFLAGS)
LIBS = $(PKG_LIBS) $(LDLIBS)

SRC := $(filter-out src/main.c,$(shell find src -name '*.c' | sort))
OBJ := $(SRC:src/%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/gen/web_pages.o
LIB := $(BUILD)/libaccount-linkd.a

all: $(BUILD)/account-linkd

$(BUILD)/account-linkd: $(BUILD)/obj/main.o $(LIB)
	@echo "  LD    $@"
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(LIB): $(OBJ) $(BUILD)/sources
	$(Q)rm -f $@ && $(AR) rcs $@ $(OBJ)

$(BUILD)/obj/%.o: src/%.c $(BUILD)/how
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

# Pages: the templates become tables; the style has a checksum in its address, so that it may be cached for ever.
WEB := $(sort $(wildcard src/web/*.html)) src/web/style.css
STYLE_PATH := $(BUILD)/gen/web/style_path.h

$(BUILD)/gen/web_pages.c: src/web/embed.awk $(WEB) $(wildcard src/web/*.inc)
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	$(Q)awk -f src/web/embed.awk -v dir=src/web $(WEB) >$@

$(STYLE_PATH): src/web/style.css
	@mkdir -p $(@D)
	$(Q)cksum <$< | awk '{ printf "#define WEB_STYLE_PATH \"/link/style.%s.css\"\n", $$1 }' >$@

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c $(BUILD)/how
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

$(BUILD)/how: | $(STYLE_PATH)

# Written only when the text changes: other flags build all again, a removed source links again.
how = $(COMPILE) $(LINK) $(LIBS)
sources = $(SRC)
$(BUILD)/how $(BUILD)/sources: $(if $(READY),,needs) FORCE
	@mkdir -p $(@D)
	@echo '$($(@F))' | cmp -s - $@ || echo '$($(@F))' >$@

needs:
	@sh tests/install.sh --tell build && echo "The compiler $(CC) does not work." >&2
	@false

run:
	@sh tests/install.sh run
	@$(MAKE) --no-print-directory all
	@exec env $(PY) tests/simulator/demo.py $(DEMO)

install: all
	install -D -m 755 $(BUILD)/account-linkd $(DESTDIR)$(PREFIX)/sbin/account-linkd
	install -D -m 644 src/cli/account-linkd.8 $(DESTDIR)$(PREFIX)/share/man/man8/account-linkd.8

clean:
	rm -rf $(BUILD)

FORCE:
.PHONY: all needs run install clean FORCE
.DELETE_ON_ERROR:
-include $(shell find $(BUILD)/obj $(BUILD)/obj-tests -name '*.d' -type f 2>/dev/null)
include tests/check.mk
