# One Makefile for everything; `make help` lists the targets.
#
# BUILD      where everything that is made goes          (build)
# CC         gcc or clang                                (cc)
# SANITIZE   address | thread: instruments all binaries, in a build folder of its own
# VALGRIND   1: unit and module tests run under valgrind
# KEEP       1: `make demo` leaves its hosts running

CC       ?= cc
PREFIX   ?= /usr
SANITIZE ?=
VALGRIND ?=
KEEP     ?=
ifeq ($(SANITIZE),)
BUILD    ?= build
else
BUILD    ?= build/$(SANITIZE)
endif

# One form of path: what depends on what is written down with it.
override BUILD := $(patsubst $(CURDIR)/%,%,$(BUILD))

MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
LIBDIR   ?= $(PREFIX)/lib$(if $(MULTIARCH),/$(MULTIARCH))
PAMDIR   ?= $(LIBDIR)/security
SUDODIR  ?= $(PREFIX)/libexec/sudo
SBINDIR  ?= $(PREFIX)/sbin
MANDIR   ?= $(PREFIX)/share/man

# What must be there before anything compiles; packaging/install-deps brings it.
NEEDED   := libcurl jansson openssl sqlite3 inih libseccomp libsystemd libcap-ng libqrencode libacl zlib libmicrohttpd gnutls cmocka
SERVING  := check check-long interop demo
ifneq ($(filter all $(SERVING),$(if $(MAKECMDGOALS),$(MAKECMDGOALS),all)),)
ifneq ($(shell pkg-config --exists $(NEEDED) 2>/dev/null && test -e /usr/include/security/pam_modules.h && command -v $(firstword $(CC)) >/dev/null && echo found),found)
ifneq ($(filter $(SERVING),$(MAKECMDGOALS)),)
DEPS_LOG := $(shell packaging/install-deps 1>&2 || echo failed)
ifneq ($(DEPS_LOG),)
$(error packaging/install-deps failed; run it by hand to see why)
endif
else
$(warning some of these are missing: $(NEEDED) libpam; run packaging/install-deps)
endif
endif
endif

flag = $(shell $(CC) $(1) -Werror -x c -c /dev/null -o /dev/null 2>/dev/null && echo '$(1)')
pkg  = $(shell pkg-config $(1) $(2) 2>/dev/null)

WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wno-format-nonliteral
HARDEN   := -fstack-protector-strong $(call flag,-fcf-protection=full) $(call flag,-fstack-clash-protection) \
            -fvisibility=hidden -fno-strict-aliasing
# The NSS module is in the path of every look-up of every program: its calls are worth joining across files. The objects carry
# both forms, and whatever else links them takes the ordinary one.
LTO      := $(if $(SANITIZE),,$(call flag,-flto=auto -ffat-lto-objects))
LDHARDEN := -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
OPT      ?= -O2 -g
ifeq ($(SANITIZE),)
HARDEN   += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
else ifeq ($(SANITIZE),address)
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else
SANFLAGS := -fsanitize=$(SANITIZE) -fno-omit-frame-pointer
endif

CPPFLAGS += -D_GNU_SOURCE -I. -MMD -MP $(call pkg,--cflags,$(NEEDED))
CFLAGS   := -std=gnu11 $(OPT) $(WARN) $(HARDEN) $(SANFLAGS) $(EXTRA_CFLAGS) -fPIC
LDFLAGS  += $(LDHARDEN) $(SANFLAGS) $(if $(LTO),-fno-lto)
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

$(BUILD)/obj/common/%.o $(BUILD)/obj/nss_b2b/%.o: CFLAGS += $(LTO)

objs = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

COMMON_SRC     := $(wildcard common/*.c)
PAM_SRC        := $(wildcard pam_b2b/*.c)
SUDO_SRC       := $(wildcard sudo_b2b/*.c)
NSS_SRC        := $(wildcard nss_b2b/*.c)
B2BD_SRC       := $(filter-out b2bd/main.c,$(wildcard b2bd/*.c b2bd/*/*.c))
CTL_SRC        := $(filter-out b2bctl/main.c,$(wildcard b2bctl/*.c))
FEDERATION_SRC := $(filter-out tests/federation/main.c,$(wildcard tests/federation/*.c))
SUPPORT_SRC    := $(wildcard tests/support/*.c) $(filter-out tests/crash/test_%,$(wildcard tests/crash/*.c))
UNIT_SRC       := $(wildcard tests/unit/test_*.c)
MODULE_SRC     := $(wildcard tests/modules/test_*.c)
CRASH_SRC      := $(wildcard tests/crash/test_*.c)
FUZZ_SRC       := $(wildcard tests/fuzz/fuzz_*.c)

B2BD_LIBS       = $(call pkg,--libs,libcurl jansson openssl sqlite3 inih libseccomp libsystemd libcap-ng libqrencode libacl zlib)
CTL_LIBS        = $(call pkg,--libs,jansson inih libacl)
FEDERATION_LIBS = $(call pkg,--libs,libmicrohttpd gnutls jansson openssl sqlite3 zlib)

PAM_SO     := $(BUILD)/pam_b2b.so
SUDO_SO    := $(BUILD)/sudo_b2b.so
NSS_SO     := $(BUILD)/libnss_b2b.so.2
B2BD       := $(BUILD)/b2bd
CTL        := $(BUILD)/b2bctl
KEYS       := $(BUILD)/b2b-keys
FEDERATION := $(BUILD)/b2b-federation
PRODUCTS   := $(PAM_SO) $(SUDO_SO) $(NSS_SO) $(B2BD) $(CTL) $(KEYS) $(FEDERATION)
UNIT       := $(patsubst tests/%.c,$(BUILD)/tests/%,$(UNIT_SRC))
MODULES    := $(patsubst tests/%.c,$(BUILD)/tests/%,$(MODULE_SRC))
CRASH      := $(patsubst tests/%.c,$(BUILD)/tests/%,$(CRASH_SRC))
# Programs and a library that module tests run, uninstrumented; the static one where there is a libc to build it with.
STATIC_LIBC := $(wildcard $(shell $(CC) -print-file-name=libc.a))
MODULE_TOOLS := $(BUILD)/tests/tools/resolve $(BUILD)/tests/tools/interpose.so $(if $(STATIC_LIBC),$(BUILD)/tests/tools/resolve-static)
HOST_TOOLS := $(patsubst tests/hosts/tools/%.c,$(BUILD)/tests/hosts/%,$(wildcard tests/hosts/tools/*.c))
FUZZERS    := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))

.PHONY: all tests install uninstall check check-long interop demo bench bench-revocation fuzz lint clean help
all: $(PRODUCTS) ## build everything that is shipped, and the federation service for tests

tests: $(UNIT) $(MODULES) $(CRASH) $(HOST_TOOLS) $(if $(SANITIZE),,bench-tools fleet-tools)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(BUILD)/libcommon.a: $(call objs,$(COMMON_SRC))
$(BUILD)/libagent.a: $(call objs,$(B2BD_SRC))
$(BUILD)/libctl.a: $(call objs,$(CTL_SRC))
$(BUILD)/libfederation.a: $(call objs,$(FEDERATION_SRC))
$(BUILD)/libsupport.a: $(call objs,$(SUPPORT_SRC))
$(BUILD)/lib%.a:
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

$(PAM_SO): $(call objs,$(PAM_SRC)) $(BUILD)/libcommon.a pam_b2b/pam_b2b.map
	$(CC) $(LDFLAGS) -shared -Wl,-z,defs -Wl,--version-script=pam_b2b/pam_b2b.map -o $@ $(filter %.o %.a,$^) -lpam

$(SUDO_SO): $(call objs,$(SUDO_SRC)) $(BUILD)/libcommon.a sudo_b2b/sudo_b2b.map
	$(CC) $(LDFLAGS) -shared -Wl,-z,defs -Wl,--version-script=sudo_b2b/sudo_b2b.map -o $@ $(filter %.o %.a,$^)

$(NSS_SO): $(call objs,$(NSS_SRC)) $(BUILD)/libcommon.a nss_b2b/nss_b2b.map
	$(CC) $(CFLAGS) $(filter-out -fno-lto,$(LDFLAGS)) $(LTO) -shared -Wl,-z,defs -Wl,-soname,libnss_b2b.so.2 -Wl,--version-script=nss_b2b/nss_b2b.map -o $@ $(filter %.o %.a,$^)

$(B2BD): $(BUILD)/obj/b2bd/main.o $(BUILD)/libagent.a $(BUILD)/libcommon.a
	$(CC) $(LDFLAGS) -pie -o $@ $^ $(B2BD_LIBS) -lpthread

$(CTL): $(BUILD)/obj/b2bctl/main.o $(BUILD)/libctl.a $(BUILD)/libcommon.a
	$(CC) $(LDFLAGS) -pie -o $@ $^ $(CTL_LIBS)

$(KEYS): $(BUILD)/obj/b2b_keys/main.o $(BUILD)/libcommon.a
	$(CC) $(LDFLAGS) -pie -o $@ $^

# The seed is compiled in.
$(call objs,tests/federation/seed.c): tests/federation/seed.json
$(FEDERATION): $(BUILD)/obj/tests/federation/main.o $(BUILD)/libfederation.a $(BUILD)/libcommon.a
	$(CC) $(LDFLAGS) -pie -o $@ $^ $(FEDERATION_LIBS) -lpthread

# Tests link the objects that are shipped; module tests load the .so itself.
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(BUILD)/libsupport.a $(BUILD)/libagent.a $(BUILD)/libctl.a $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -pie -o $@ $< $(BUILD)/libsupport.a $(BUILD)/libctl.a $(BUILD)/libagent.a $(BUILD)/libcommon.a $(B2BD_LIBS) \
		$(call pkg,--libs,cmocka) -lpam -lpthread -ldl
$(CRASH): | $(PRODUCTS)
$(MODULES): | $(PAM_SO) $(SUDO_SO) $(NSS_SO) $(MODULE_TOOLS)

TOOL = @mkdir -p $(@D) && $(CC) -std=gnu11 -D_GNU_SOURCE -O2 $(WARN)
$(BUILD)/tests/tools/%-static: tests/modules/tools/%.c
	$(TOOL) -static -Wl,--no-warnings -o $@ $< -lpthread
$(BUILD)/tests/tools/%.so: tests/modules/tools/%.c
	$(TOOL) -fPIC -shared -o $@ $< -ldl
$(BUILD)/tests/tools/%: tests/modules/tools/%.c
	$(TOOL) -o $@ $< -lpthread

# The reader of the format's first version as it was, asked today's questions: uninstrumented, with nothing of today's in it.
READER_1 := $(BUILD)/tests/tools/reader-1.so
$(READER_1): tests/golden/reader-1/reader.map $(wildcard tests/golden/reader-1/common/*.[ch]) tests/support/questions.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -fPIC -fno-strict-aliasing -Itests/golden/reader-1 -I. -shared -Wl,-z,defs -Wl,-Bsymbolic \
		-Wl,--version-script=$< -o $@ $(filter %.c,$^)
$(BUILD)/tests/unit/test_previous_reader: | $(READER_1)

# What the throw-away hosts run besides the products; by itself, so that it also starts in them uninstrumented.
$(BUILD)/tests/hosts/%: tests/hosts/tools/%.c $(wildcard common/*.h)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE -I. -O2 $(WARN) -o $@ $<

# For fuzz_reader: the cache's reader with its fetches hooked, on files in memory. Linked first, it takes the place of its
# likes. Comparisons are not traced: its mutator knows the values that matter. What judges the answers is not covered.
comma      := ,
UNGUIDED   := $(subst fuzzer-no-link$(comma),,$(CFLAGS))
HOOKED_SRC := common/names.c $(wildcard common/cache*.c)
$(BUILD)/obj/hooked/%.o: %.c tests/fuzz/reader/hook.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(UNGUIDED) -fsanitize-coverage=inline-8bit-counters,pc-table -O2 -include tests/fuzz/reader/hook.h -c $< -o $@
$(BUILD)/obj/hooked/common/cache_map.o: CPPFLAGS += -Db2b_map_open=b2b_file_open -Db2b_map_close=b2b_file_close
$(BUILD)/libhooked.a: $(patsubst %.c,$(BUILD)/obj/hooked/%.o,$(HOOKED_SRC))
$(BUILD)/obj/tests/fuzz/reader/%.o: CFLAGS := $(UNGUIDED) -O2

# Fuzz targets are compiled whole with clang, so that every object is instrumented.
FUZZ_FLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
FUZZ_READER := $(patsubst %.c,$(BUILD)/fuzzobj/obj/%.o,$(wildcard tests/fuzz/reader/*.c)) $(BUILD)/fuzzobj/libhooked.a
FUZZ_LIBS    = $(if $(filter fuzz_reader,$*),$(FUZZ_READER)) $(patsubst %,$(BUILD)/fuzzobj/lib%.a,support agent common)
$(BUILD)/fuzz/%: tests/fuzz/%.c $(COMMON_SRC) $(B2BD_SRC) $(SUPPORT_SRC) $(wildcard tests/fuzz/reader/*.c */*.h */*/*.h */*/*/*.h)
	@mkdir -p $(@D)
	$(MAKE) CC=clang BUILD=$(BUILD)/fuzzobj OPT='-O1 -g' EXTRA_CFLAGS='$(FUZZ_FLAGS)' HARDEN='-fvisibility=hidden -fno-strict-aliasing' \
		$(FUZZ_LIBS) $(BUILD)/fuzzobj/obj/$(<:.c=.o)
	clang -fsanitize=fuzzer,address,undefined -o $@ $(BUILD)/fuzzobj/obj/$(<:.c=.o) $(FUZZ_LIBS) $(B2BD_LIBS) -lpthread

FUZZ_RUNS ?= 100000
fuzz: $(FUZZERS) ## run every fuzz target for FUZZ_RUNS executions over its corpus
	@for f in $(FUZZERS); do \
		n=$${f##*/}; mkdir -p $(BUILD)/corpus/$$n; \
		echo "== $$n"; $$f -runs=$(FUZZ_RUNS) -rss_limit_mb=2048 -timeout=10 \
			$(BUILD)/corpus/$$n $$(test -d tests/fuzz/corpus/$${n#fuzz_} && echo tests/fuzz/corpus/$${n#fuzz_}) || exit 1; \
	done

check: all tests ## unit, module and host tests under one harness
	BUILD='$(BUILD)' SANITIZE='$(SANITIZE)' VALGRIND='$(VALGRIND)' tests/run

check-long: all tests ## the same with full counts
	BUILD='$(BUILD)' SANITIZE='$(SANITIZE)' VALGRIND='$(VALGRIND)' LONG=1 tests/run

interop: all $(HOST_TOOLS) ## log-ins, refusals and offboardings against identity services that others wrote (fetches them)
	BUILD='$(BUILD)' INTEROP=1 tests/run

demo: all $(HOST_TOOLS) ## a log-in, an offboarding and the end of a contract, on a real host
	BUILD='$(BUILD)' KEEP='$(KEEP)' tests/hosts/demo

bench: all bench-tools $(HOST_TOOLS) ## measure look-ups beside floors and peers, in throw-away hosts (PEOPLE="1000 100000", PEERS=no)
	BUILD='$(BUILD)' tests/bench/run

bench-revocation: all bench-tools $(HOST_TOOLS) ## measure from an event to nobody left, on a throw-away host with 1,000 sessions (SESSIONS=, SAMPLES=)
	BUILD='$(BUILD)' tests/bench/revocation/run

lint: ## static analysis and the house rules
	BUILD='$(BUILD)' packaging/lint

include tests/bench/bench.mk
include tests/fleet/fleet.mk
include packaging/install.mk

clean: ## remove everything that was built
	tests/hosts/clean 2>/dev/null || true
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile tests/bench/bench.mk tests/fleet/fleet.mk packaging/install.mk | expand -t 14

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
