# udpsrv: `make` builds the programs, `make run` starts the daemon, `make help` lists all targets.

PREFIX     ?= /usr/local
DESTDIR    ?=
BINDIR     ?= $(PREFIX)/bin
SBINDIR    ?= $(PREFIX)/sbin
DATADIR    ?= $(PREFIX)/share/udpsrv
DOCDIR     ?= $(PREFIX)/share/doc/udpsrv
MANDIR     ?= $(PREFIX)/share/man
BASHDIR    ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR     ?= $(PREFIX)/share/zsh/site-functions
FISHDIR    ?= $(PREFIX)/share/fish/vendor_completions.d
UNITDIR    ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
CC         ?= gcc
SANITIZE   ?=
WERROR     ?=
ifeq ($(origin CC),default)
CC := gcc
endif

comma := ,
B     ?= build$(if $(SANITIZE),/$(subst $(comma),-,$(SANITIZE)))

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wvla -Wformat=2 $(if $(WERROR),-Werror)
# CPPFLAGS, CFLAGS, LDFLAGS and LDLIBS belong to the packager, also on the command line; the build adds what it needs itself.
ifneq ($(SANITIZE),)
SANITIZERS := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS   ?= -O1 -g
else
CFLAGS   ?= -O2 -g -fstack-protector-strong \
            $(if $(findstring _FORTIFY_SOURCE,$(CPPFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif
# musl has no kernel headers: those of the distribution are searched after musl's own.
KERNEL_HEADERS := $(if $(filter %musl-gcc,$(CC)),$(B)/kernel-headers)
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -Iinclude $(WARNINGS) $(if $(KERNEL_HEADERS),-idirafter $(KERNEL_HEADERS)) \
              $(CPPFLAGS) $(CFLAGS) $(SANITIZERS) -pthread

# A program for another machine does not run here, so BUILD_CC compiles the tool that runs during the build.
# Compilers differ in the vendor in the middle of a machine's name.
machine   = $(shell $(1) -dumpmachine 2>/dev/null | sed 's/^\([^-]*\)-.*-/\1-/')
CROSS    := $(if $(call machine,cc),$(filter-out $(call machine,cc),$(call machine,$(CC))))
BUILD_CC ?= $(if $(CROSS),cc,$(CC))
ifeq ($(origin AR),default)
AR := $(if $(CROSS),$(patsubst %-gcc,%-ar,$(filter %-gcc,$(CC))))
AR := $(or $(AR),ar)
endif

PROGRAMS := udpsrv udpctl udpcli udpload
MODULES  := $(sort $(shell find src -mindepth 2 -name '*.c' ! -name '*.bpf.c'))
# Unit tests of modules that make no system call: they include neither os/ nor net/, nor the server, which needs both.
UNIT     := $(sort $(shell find tests/unit -name '*.c'))
PURE     := $(filter-out $(shell grep -lE '"(os|net|server)/|<(poll|pthread|unistd|sys/[a-z]+)\.h>|(framed_stream|netns|tty|control|udp_socket|offload)_fixture' \
            $(UNIT)),$(UNIT))
PLAINS   := $(sort $(wildcard tests/plain/*.c))
FUZZERS  := $(sort $(wildcard tests/fuzz/*.c))
TARGETS  := config frame access_list control datagram_decision gateway redis state http_request
BARES    := $(sort $(wildcard tests/bench/bare/bare_*.c)) tests/bench/registry.c tests/bench/alternatives.c
BARE_COMMON := tests/bench/bare/bare.c tests/bench/bare/sender.c
SYSTEM   := $(sort $(wildcard tests/system/*/*.c))
SIM      := $(sort $(shell find tests/sim -name '*.c'))
NEIGHBOURS := $(sort $(wildcard tests/neighbours/*.c))
HARNESS  := $(patsubst %,tests/system/harness/%.c,harness process peer netns server neighbours)
MANUALS  := $(sort $(wildcard docs/man/*.[1-8]))
SAMPLES  := $(sort $(wildcard config/*.conf))
UNITS    := udpsrv.service udpsrv.socket udpsrv-bridge@.service
PACKAGING := alerts systemd debian image readme
RULES    := $(sort $(wildcard config/prometheus/*.yml))
BALANCER := config/nftables/udpsrv-balancer.nft config/nftables/udpsrv-balancer-health
TEXTS    := README.md CHANGELOG.md LICENSE $(sort $(wildcard docs/*.md))

# For each shell, under the file names that it searches for.
COMPLETIONS := $(PROGRAMS:%=$(B)/completions/bash/%) $(PROGRAMS:%=$(B)/completions/zsh/_%) \
               $(PROGRAMS:%=$(B)/completions/fish/%.fish)

object = $(patsubst %.c,$(B)/obj/%.o,$(1))
OBJECTS := $(call object,$(MODULES) $(PROGRAMS:%=src/%.c) src/completion.c $(UNIT) $(SYSTEM) $(NEIGHBOURS) $(PLAINS) $(FUZZERS) \
           $(wildcard tests/fuzz/targets/*.c) tests/faults/inject.c tests/scale/clients.c $(BARES) $(BARE_COMMON) $(SIM)) \
           $(patsubst %.c,$(B)/obj/cross/%.o,$(UNIT) tests/cross/runner.c)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

.PHONY: all run scale sim sim-minimize sim-rate sim-check check check-long check-ecosystem check-pure check-build unit system neighbours offload plain asan tsan valgrind fuzz replay \
        layers words manuals format lint bares bench bench-check install uninstall clean deps deps-ecosystem deps-bench help
.DELETE_ON_ERROR:

all: $(PROGRAMS:%=$(B)/%) $(COMPLETIONS) ## build the programs into build/

run: all ## run the daemon on its built-in defaults
	$(B)/udpsrv

$(B)/modules.a: $(call object,$(MODULES))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(PROGRAMS:%=$(B)/%) $(B)/completion: $(B)/%: $(B)/obj/src/%.o $(B)/modules.a $(B)/link-flags
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

# A tool that is linked from the same modules prints the completions from the programs' own tables.
GENERATOR := $(if $(CROSS),$(B)/build-machine/completion,$(B)/completion)
$(COMPLETIONS): $(GENERATOR)
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(GENERATOR) $(notdir $(@D)) $(patsubst _%,%,$(basename $(@F))) >$@

ifneq ($(CROSS),)
$(GENERATOR): $(MODULES) src/completion.c
	$(Q)$(MAKE) --no-print-directory B=$(B)/build-machine CC='$(BUILD_CC)' AR=ar CPPFLAGS= CFLAGS=-O1 LDFLAGS= LDLIBS= \
	    SANITIZE= $@
endif

# Each test is a process of its own, and half a million relocations of what sanitizers add would be an eighth of its start.
$(B)/unit-tests: $(call object,$(UNIT)) $(B)/modules.a $(B)/link-flags
	$(call say,LD,$@)
	$(Q)$(LINK) $(if $(SANITIZE),-no-pie) -o $@ $(filter %.o %.a,$^) -lcriterion

$(B)/system-tests: $(call object,$(SYSTEM)) $(B)/modules.a $(B)/link-flags
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $(filter %.o %.a,$^) -lcriterion

$(B)/neighbour-tests: $(call object,$(NEIGHBOURS) $(HARNESS)) $(B)/modules.a $(B)/link-flags
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $(filter %.o %.a,$^) -lcriterion

# Headers that tests share.
FIXTURES := -Itests/unit/fixtures -Itests/system/harness
$(B)/obj/tests/% $(B)/obj/cross/tests/%: private INCLUDES := $(FIXTURES)
$(B)/obj/tests/sim/%: private INCLUDES := -Itests $(if $(SIM_COVERAGE),-DSIM_COVERAGE)
$(B)/obj/src/%: private INCLUDES := $(if $(SIM_COVERAGE),-fprofile-instr-generate -fcoverage-mapping)

$(B)/obj/%.o: %.c $(B)/flags | $(KERNEL_HEADERS)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(INCLUDES) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/kernel-headers:
	$(Q)mkdir -p $@
	$(Q)ln -sfn /usr/include/linux /usr/include/asm-generic $@
	$(Q)ln -sfn $(firstword $(wildcard /usr/include/$(shell $(CC) -print-multiarch)/asm /usr/include/asm)) $@/asm

# Objects are compiled again when the compiler or its flags change, and programs linked again when the linker's flags do.
FLAGS := $(CC) $(ALL_CFLAGS)
LINK  := $(CC) $(ALL_CFLAGS) $(if $(SIM_COVERAGE),-fprofile-instr-generate) $(LDFLAGS)
changed = $(if $(filter-out $(1),$(file <$(2)))$(filter-out $(file <$(2)),$(1)),always)
$(B)/flags: export TEXT := $(FLAGS)
$(B)/flags: $(call changed,$(FLAGS),$(B)/flags)
$(B)/link-flags: export TEXT := $(LINK) $(LDLIBS)
$(B)/link-flags: $(call changed,$(LINK) $(LDLIBS),$(B)/link-flags)
$(B)/flags $(B)/link-flags:
	$(Q)mkdir -p $(@D)
	$(Q)printf '%s\n' "$$TEXT" >$@
.PHONY: always
always:
.SECONDARY: $(OBJECTS)

-include $(OBJECTS:.o=.d)

# ---- the program of the offload ----

# Its instructions are in the tree, so that a build needs no clang. Another version of clang makes other instructions.
OFFLOAD_SOURCE := src/net/offload/xdp_program.bpf.c
OFFLOAD_TABLE  := src/net/offload/xdp_program.inc
BPF_CC         ?= clang
BPF_VERSION     = $(shell $(BPF_CC) --version 2>/dev/null | sed -n 's/.*clang version \([0-9]*\).*/\1/p')
BPF_CFLAGS     := -target bpf -mcpu=v3 -std=c11 -ffreestanding -O2 -g0 $(filter-out -Wpedantic,$(WARNINGS)) -Werror -Iinclude \
                  -idirafter /usr/include/$(shell cc -print-multiarch 2>/dev/null)

.PHONY: offload-program offload-program-check
offload-program: $(B)/xdp_program.inc ## compile the program of the offload in the kernel anew into its table of instructions (clang)
	$(Q)cp $< $(OFFLOAD_TABLE)

offload-program-check: $(B)/xdp_program.inc ## check that this table is what the source is compiled to
	$(Q)head -1 $(OFFLOAD_TABLE) | grep -q 'clang $(BPF_VERSION)\.' || \
	    { echo "skipped: clang $(BPF_VERSION) is not the version that compiled $(OFFLOAD_TABLE)"; exit 0; }; \
	cmp $< $(OFFLOAD_TABLE) || { echo "make offload-program makes $(OFFLOAD_TABLE) of the source" >&2; exit 1; }

$(B)/xdp_program.inc: $(OFFLOAD_SOURCE) $(wildcard src/net/offload/*.bpf.h include/offload/*.h) include/admission/rate_buckets.h \
                      include/base/token_bucket.h src/net/offload/generate_program.py
	$(Q)mkdir -p $(@D)
	$(Q)$(BPF_CC) $(BPF_CFLAGS) -c -o $(@:.inc=.bpf.o) $<
	$(Q)echo '/* Made by `make offload-program` from $(notdir $<), by clang $(BPF_VERSION). */' >$@
	$(Q)src/net/offload/generate_program.py $(@:.inc=.bpf.o) xdp >>$@

# ---- tests ----

# CRITERION_FLAGS are passed to the suites, such as --filter='registry/*' or --verbose. Tests wait most of the time, so more
# of them run at once than there are processors.
CRITERION_FLAGS ?=
CRITERION_JOBS = --jobs $(shell echo $$((3 * $$(nproc))))
export UDPSRV_BUILD := $(B)
# Tests compile on all processors, unless make -j has its own number.
SUITES   := unit-tests system-tests neighbour-tests
PARALLEL = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

check: ## install what the tests need, then run them: layers, words, two compilers, unit, system, bench, faults, sanitizers
	@tests/deps --install-missing
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) layers manuals sim-mutants-apply offload-program-check
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) B=build/clang CC=clang WERROR=1 all bares $(SUITES:%=build/clang/%)
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) B=build/gcc CC=gcc WERROR=1 all bares $(SUITES:%=build/gcc/%)
	$(Q)$(MAKE) --no-print-directory B=build/gcc CC=gcc WERROR=1 unit system bench-check
	$(Q)$(MAKE) --no-print-directory B=build/gcc CC=gcc WERROR=1 neighbours offload
	$(Q)$(MAKE) --no-print-directory sim-check
	$(Q)$(MAKE) --no-print-directory faults-check
	$(Q)$(MAKE) --no-print-directory asan fuzz-line_editor replay
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) check-pure check-build

check-long: ## tests that take too long for check: all kinds of unreachable neighbours, 200 crashes, all faults, lint, valgrind, ThreadSanitizer, mutants
	@tests/deps --install
	$(Q)$(MAKE) --no-print-directory B=build/gcc CC=gcc WERROR=1 NEIGHBOURS_TESTS='long_*/*' neighbours
	$(Q)UDPSRV_CRASH_ROUNDS=100 $(MAKE) --no-print-directory B=build/gcc CC=gcc WERROR=1 CRITERION_FLAGS="--filter='system_crash/*'" system
	$(Q)COUNT=100000 $(MAKE) --no-print-directory B=build/gcc CC=gcc WERROR=1 offload
	$(Q)$(MAKE) --no-print-directory faults
	$(Q)$(MAKE) --no-print-directory lint valgrind tsan
	$(Q)$(MAKE) --no-print-directory sim-mutants
	$(Q)$(MAKE) --no-print-directory B=build/gcc CC=gcc WERROR=1 scale

unit: $(B)/unit-tests ## run only the unit tests
	$(B)/unit-tests $(CRITERION_JOBS) $(CRITERION_FLAGS)

system: all $(B)/system-tests ## run only the system tests, which run the programs
	$(B)/system-tests $(CRITERION_JOBS) $(CRITERION_FLAGS)

# The kernel has one table of neighbours for the whole host (gc_thresh3), and these tests fill it: they run after the
# others, one at a time. NEIGHBOURS_TESTS selects among them; long_* are all combinations, which take minutes.
NEIGHBOURS_TESTS ?= brief_*/*
neighbours: all $(B)/neighbour-tests ## run the tests with clients and neighbours that do not answer, in network namespaces
	$(B)/neighbour-tests --jobs 1 --filter='$(NEIGHBOURS_TESTS)' $(CRITERION_FLAGS)

# The offload on a virtual pair of interfaces, in network namespaces. COUNT is the number of datagrams that are compared with and
# without it.
offload: all ## run the tests of the offload, which are skipped with the reason where the host does not permit them
	$(Q)cd tests/offload && UDPSRV_BUILD=$(abspath $(B)) python3 -B -m unittest test_offload test_interfaces test_copies test_differential

asan: export UDPSRV_SANITIZED := 1
asan: export UBSAN_OPTIONS := print_stacktrace=1
asan: export LSAN_OPTIONS := suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0
asan: ## run both suites under AddressSanitizer and UndefinedBehaviorSanitizer
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) B=build/asan SANITIZE=address,undefined WERROR=1 all build/asan/unit-tests \
	    build/asan/system-tests
	$(Q)$(MAKE) --no-print-directory B=build/asan SANITIZE=address,undefined WERROR=1 unit system

# Criterion crashes when instrumented by ThreadSanitizer, so tests without instrumentation run the instrumented programs.
tsan: export UDPSRV_SANITIZED := 1
# A second signal ends the process with its threads at once: that is not a leak, and nothing waits for them.
tsan: export TSAN_OPTIONS := halt_on_error=1 report_thread_leaks=0 atexit_sleep_ms=0 suppressions=$(CURDIR)/tests/tsan.supp
tsan: $(B)/system-tests ## run the system tests with programs under ThreadSanitizer
	$(Q)$(MAKE) --no-print-directory B=build/tsan SANITIZE=thread all plain
	UDPSRV_BUILD=build/tsan $(B)/system-tests $(CRITERION_JOBS) $(CRITERION_FLAGS)

# Random input for modules that read bytes from outside, under sanitizers: COUNT sequences, from SEED on.
COUNT ?= 100000
SEED  ?= 1
fuzz-%: ## give COUNT=100000 random inputs to a module, as in fuzz-line_editor
	$(Q)$(MAKE) --no-print-directory B=build/asan SANITIZE=address,undefined WERROR=1 build/asan/fuzz/$*
	build/asan/fuzz/$* $(COUNT) $(SEED)

$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(B)/modules.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $(filter %.o %.a,$^)

# Fuzz targets of libFuzzer, which is part of clang; their corpora are in the tree and grow in build/. A target that
# replaces functions of net/ defines their names, so that the linker does not take those of the archive. A target that is
# more than one file, as control is, has the others in TARGET_*.c, which are linked before the archive for that reason, too.
SECONDS ?= 60
fuzz: ## fuzz each target for SECONDS=60 under sanitizers, beginning with its corpus (clang)
	$(Q)$(MAKE) --no-print-directory B=build/fuzz CC=clang SANITIZE=fuzzer-no-link,address,undefined \
	    $(TARGETS:%=build/fuzz/target/%)
	$(Q)for target in $(TARGETS); do mkdir -p build/fuzz/corpus/$$target && \
	    build/fuzz/target/$$target -max_total_time=$(SECONDS) -max_len=4096 -print_final_stats=1 -verbosity=0 \
	    -artifact_prefix=build/fuzz/$$target- build/fuzz/corpus/$$target tests/fuzz/corpus/$$target || exit 1; done

$(B)/target/%: $(B)/obj/tests/fuzz/targets/%.o $(B)/modules.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $(filter %.a,$^)

$(B)/target/control $(B)/replay/control: $(call object,$(wildcard tests/fuzz/targets/control_*.c))

replay: ## run the fuzz targets with their corpora, under sanitizers and without libFuzzer
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) B=build/asan SANITIZE=address,undefined WERROR=1 $(TARGETS:%=build/asan/replay/%)
	$(Q)for target in $(TARGETS); do build/asan/replay/$$target tests/fuzz/corpus/$$target || exit 1; done

$(B)/replay/%: $(B)/obj/tests/fuzz/targets/%.o $(B)/obj/tests/fuzz/targets/replay.o $(B)/modules.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^)

# ---- the simulator ----

# The server on a simulated kernel and network: tests/sim implements the headers of os/ and net/, and is linked in place
# of them with the same objects of all other layers.
SIMULATED := $(filter-out src/os/% src/net/% src/redis/% src/ctl/% src/client/% src/load/% src/completion/% src/terminal/%,$(MODULES))

$(B)/sim: $(call object,$(SIM) $(SIMULATED)) $(B)/link-flags
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(LDLIBS)

# A seed draws everything that happens in a run, and replays it bit for bit: docs/testing.md. From 10,000 seeds on, the
# counters of clang show whether each rare branch of tests/sim/marks/marks.txt was reached.
SEEDS ?= 10000
sim: ## run the server on a simulated network: SEEDS=10000 runs from SEED=1 on; from 10000 on they must reach all coverage marks
ifeq ($(shell test $(SEEDS) -ge 10000 && echo marks),marks)
	@command -v llvm-cov >/dev/null || { echo 'make sim: the coverage marks need llvm-cov; run make deps, or give fewer SEEDS' >&2; exit 1; }
	$(Q)$(MAKE) --no-print-directory B=build/coverage CC=clang SIM_COVERAGE=1 build/coverage/sim
	build/coverage/sim --seed=$(SEED) --seeds=$(SEEDS) --jobs=$(shell nproc) --coverage=build/coverage/sim.profraw
	tests/sim/marks/check.py build/coverage/sim build/coverage/sim.profraw
else
	$(Q)$(MAKE) --no-print-directory $(B)/sim
	$(B)/sim --seed=$(SEED) --seeds=$(SEEDS) --jobs=$(shell nproc)
endif

sim-minimize: $(B)/sim ## find the smallest run that breaks the same promise as SEED=N (OPTIONS=--break=lost: of a self-test)
	tests/sim/minimize $(B)/sim $(SEED) $(OPTIONS)

sim-rate: $(B)/sim ## print how much faster than real time the simulator is, with 1,000 clients that each send every 20 s
	$(B)/sim --seed=$(SEED) --seeds=5 --jobs=1 --steady

# Short: the self-tests of the oracles, runs by two compilers and under sanitizers, and the same events in all three.
sim-check:
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) B=build/gcc CC=gcc WERROR=1 build/gcc/sim
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) B=build/clang CC=clang WERROR=1 build/clang/sim
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) B=build/asan SANITIZE=address,undefined WERROR=1 build/asan/sim
	tests/sim/statics_test $(patsubst %.c,build/gcc/obj/%.o,$(SIMULATED))
	build/gcc/sim --keys
	build/gcc/sim --models
	tests/sim/self_test build/gcc/sim
	tests/sim/minimize_test build/gcc/sim
	tests/sim/marks/check.py --texts
	python3 -B -m unittest discover -q -s tests/sim/marks
	build/gcc/sim --seed=1 --seeds=300 --jobs=$(shell nproc)
	build/gcc/sim --seed=1 --steady # the run of make sim-rate
	build/gcc/sim --without=state,crashes --seed=1197 # several workers, of which the first has more clients of a multicast group than its share
	build/gcc/sim --without=state,crashes --seed=15118 # a message that was sent before a start with a shorter max-datagram
	build/gcc/sim --without=state,crashes --seed=203136 # replies that find no room behind those that wait
	build/gcc/sim --without=state,crashes --seed=203752 # replies wait until something leaves a socket that epoll does not watch
	build/gcc/sim --seed=602078 # clients of an interface that has another index after a restart
	build/gcc/sim --without=state,crashes --seed=227684 # a reload that waited behind a slow broadcast ends the time that broadcasts may take
	tests/sim/replay_test 1 25 build/gcc/sim build/clang/sim build/asan/sim

# One-line faults of the server, each of which the simulator must find: docs/testing.md.
ONLY ?=
.PHONY: sim-mutants sim-mutants-apply
sim-mutants: ## let the simulator find each fault of tests/sim/mutants, by SEEDS=10000 runs; ONLY='NAME ...' selects some
	tests/sim/mutants/run --seeds=$(SEEDS) $(ONLY)

sim-mutants-apply:
	$(Q)tests/sim/mutants/run --apply

# ---- several nodes ----

$(B)/scale/clients: $(B)/obj/tests/scale/clients.o $(B)/link-flags
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $(filter %.o,$^)

# CLIENTS=100000 and MESSAGES=200 of each phase; SEED draws what is killed in the last one.
CLIENTS  ?= 100000
MESSAGES ?= 200
scale: all $(B)/scale/clients ## kill parts of three nodes, a balancer and Redis while they publish to CLIENTS=100000, each of which must get all
	tests/scale/scale.py --clients $(CLIENTS) --messages $(MESSAGES) --seed $(SEED)

# ---- other processors and other builds ----

# The unit tests on other processors, under qemu-user. Debian has Criterion for them only as packages of a foreign
# architecture, so tests/cross replaces it.
MACHINES := s390x-linux-gnu aarch64-linux-gnu
EMULATOR  = qemu-$(firstword $(subst -, ,$*)) -L /usr/$*
FOR_MACHINE = B=build/$* CC=$*-gcc AR=$*-ar CFLAGS='-O1 -g' WERROR=1

check-ecosystem: $(MACHINES:%=cross-%) check-metrics check-bridge check-balancer check-packaging ## run the unit tests on s390x (big-endian) and aarch64, and test the metrics, the bridge, the balancer, units and packages with the programs of others (make deps-ecosystem)

# Each of them skips, with the reason, what this host lacks a tool or a permission for. Screenshots are in build/ecosystem.
.PHONY: check-metrics check-bridge check-balancer check-packaging
check-metrics: all ## test the metrics and the live page by Prometheus and Chromium
	$(Q)cd tests/ecosystem && UDPSRV_BUILD=$(abspath $(B)) python3 -B -m unittest -v test_abuse test_health test_page test_prometheus

check-bridge: all ## test the bridge by Redis, and the pipes to other buses by Mosquitto
	$(Q)cd tests/ecosystem && UDPSRV_BUILD=$(abspath $(B)) python3 -B -m unittest -v test_bridge test_pipes

check-balancer: all ## test the load balancer of config/nftables and its health check, in network namespaces
	$(Q)cd tests/ecosystem && UDPSRV_BUILD=$(abspath $(B)) python3 -B -m unittest -v test_balancer

check-packaging: all ## test the units, the Debian package, the image and the rules by their own tools
	$(Q)status=0; for test in $(PACKAGING); do tests/packaging/$$test || status=1; done; exit $$status

check-build: ## test the builds: musl, static, other processors, a packager's flags
	$(Q)tests/build

check-pure: pure-s390x-linux-gnu ## run the unit tests of modules without system calls on s390x

# Tests of features that qemu-user 7.2 lacks are left out: joining multicast groups, SO_MEMINFO and with it the counts of drops,
# SO_ATTACH_REUSEPORT_CBPF, reading some options back, the byte order of the interface in IP_PKTINFO, epoll_pwait2, errors of
# posix_spawn (its vfork is a fork), its own /proc/self/exe, the neighbour tables and most of the memory figures; and tests with
# limits of milliseconds.
LEFT_OUT := multicast_socket memory event_loop_busy neighbour on_link_addresses icmp_errors stream_accept unicast_takeover \
            inherited_sockets/of_a_multicast_group_stay_joined \
            datagram_io_handover/each_drop_is_counted_once \
            datagram_io_handover/drops_of_a_socket_that_is_not_taken_over_are_counted_at_once \
            datagram_io_handover/drops_of_the_start_are_not_counted_and_later_ones_are \
            datagram_io_handover/queued_replies_leave_in_order_and_interfaces_keep_their_slots \
            child_process/a_program_that_is_missing_is_an_error child_process/a_file_that_is_not_executable_is_an_error \
            program_path/the_path_that_is_found_leads_to_the_running_program process_usage/memory_in_use_is_resident \
            device_queue/counts_no_less_than_is_charged_for_what_waits_for_an_interface \
            send_socket_with_reserve/waits_for_an_interface_that_takes_long_for_each_datagram \
            poller/ends_only_the_next_wait_when_woken \
            poller/waits_until_the_instant_and_not_less udp_socket/counts_what_the_kernel_dropped \
            udp_socket/ipv4_options_are_those_of_a_public_server \
            udp_socket/an_adopted_one_of_ipv6_has_the_same_options udp_socket/an_adopted_one_reports_only_the_destination \
            udp_socket/an_adopted_one_has_the_same_options_and_keeps_what_it_has_received \
            udp_socket/ipv6_options_are_those_of_a_public_server \
            reuseport_group/drops_everything_until_it_is_started

cross-%:
	$(Q)for tool in $*-gcc $(firstword $(EMULATOR)); do \
	    command -v $$tool >/dev/null || { echo "skipped: $*: $$tool is missing; make deps-ecosystem installs it"; exit 0; }; \
	done; \
	$(MAKE) --no-print-directory $(PARALLEL) $(FOR_MACHINE) build/$*/cross-tests && \
	$(EMULATOR) build/$*/cross-tests $(LEFT_OUT)

pure-%:
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) $(FOR_MACHINE) build/$*/pure-tests
	$(EMULATOR) build/$*/pure-tests

IN_CROSS = $(patsubst %.c,$(B)/obj/cross/%.o,$(1) tests/cross/runner.c)

$(B)/cross-tests: $(call IN_CROSS,$(UNIT)) $(B)/modules.a $(B)/link-flags
$(B)/pure-tests: $(call IN_CROSS,$(PURE)) $(B)/modules.a $(B)/link-flags
$(B)/cross-tests $(B)/pure-tests:
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $(filter %.o %.a,$^)

$(B)/obj/cross/%.o: %.c $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -Itests/cross $(INCLUDES) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Small programs that test threaded modules; the exit status of each is its result.
plain: $(PLAINS:tests/plain/%.c=$(B)/plain/%)
	$(Q)for test in $^; do $$test || exit 1; done

$(B)/plain/%: $(B)/obj/tests/plain/%.o $(B)/modules.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $(filter %.o %.a,$^)

# ---- measurements ----

# Bare loops of system calls, beside which the programs are measured, and single modules by themselves.
bares: $(BARES:tests/bench/%.c=$(B)/bench/%)

$(BARES:tests/bench/%.c=$(B)/bench/%): $(B)/bench/%: $(B)/obj/tests/bench/%.o $(call object,$(BARE_COMMON)) $(B)/modules.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $(filter %.o %.a,$^)

# BENCH selects scenarios, such as BENCH="reply fanout"; BENCH_ROUNDS is the number of rounds.
BENCH        ?=
BENCH_ROUNDS ?= 5
bench: all bares ## measure the programs beside bare loops and other services; writes build/bench.md and build/bench.json
	tests/bench/bench.py --rounds $(BENCH_ROUNDS) $(BENCH)

.PHONY: bench-docs
bench-docs: ## put the figures of the last make bench into README.md and docs/performance.md
	tests/bench/documents.py $(B)/bench.json README.md docs/performance.md

bench-check: all bares ## test the measurement itself: its parsers, and a run with few requests
	$(Q)cd tests/bench && python3 -B -m unittest -q

# Each test is a process, and valgrind takes half a second to start one; other programs (ip, tc) are not traced.
# By the runner of other processors, which forks: Criterion starts a program for each test, which valgrind translates anew
# each time, and that takes an hour. Tests that lower the limit of descriptors fail, since valgrind has some of its own.
valgrind: export UDPSRV_SLOW := 1
valgrind: export UDPSRV_VALGRIND := 1
valgrind: ## run the unit tests under valgrind
	$(Q)$(MAKE) --no-print-directory B=build/valgrind CC=gcc CFLAGS='-O1 -g' WERROR=1 build/valgrind/cross-tests
	valgrind --quiet --vgdb=no --error-exitcode=99 --leak-check=full --show-leak-kinds=definite \
	    --errors-for-leak-kinds=definite build/valgrind/cross-tests \
	    stream_accept/a_failed_accept_pauses_all_listeners_for_a_second \
	    socket_descriptor/replacing_by_a_duplicate_needs_no_further_descriptor

# ---- faults ----

# The objects of os/ and net/ with a fault at each call of the system, and the programs with them; see tests/faults/README.md.
SYSTEM_CALLS := $(filter src/os/% src/net/%,$(MODULES))
FAULTY       := $(patsubst %.c,$(B)/faults/obj/%.o,$(SYSTEM_CALLS))
FAULTS_FLAGS  = $(filter-out -std=c11,$(ALL_CFLAGS)) -std=gnu11 -w -I. -include $(B)/faults/calls.h

$(B)/faults/calls.h: tests/faults/calls.py tests/faults/calls.txt
	$(Q)mkdir -p $(@D)
	$(Q)tests/faults/calls.py header >$@
	$(Q)tests/faults/calls.py rename >$(@D)/names

$(FAULTY): $(B)/faults/obj/%.o: %.c tests/faults/inject.h $(B)/faults/calls.h tests/faults/harmless.txt $(B)/flags
	$(call say,FAULT,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(FAULTS_FLAGS) -MMD -MP -c -o $@ $<
	$(Q)tests/faults/calls.py check $@
	$(Q)objcopy --redefine-syms=$(B)/faults/names $@

$(B)/faults/with.a: $(FAULTY) $(B)/obj/tests/faults/inject.o
$(B)/faults/without.a: $(call object,$(filter-out $(SYSTEM_CALLS),$(MODULES)))
$(B)/faults/with.a $(B)/faults/without.a:
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(PROGRAMS:%=$(B)/faults/%): $(B)/faults/%: $(B)/obj/src/%.o $(B)/faults/with.a $(B)/faults/without.a $(B)/link-flags
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS)

-include $(FAULTY:.o=.d)

# A program that makes a mistake for each judgement, to test the judgements.
$(B)/faults/obj/mistaken.o: tests/faults/mistaken.c tests/faults/inject.h $(B)/faults/calls.h $(B)/flags
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(FAULTS_FLAGS) -c -o $@ $<
	$(Q)objcopy --redefine-syms=$(B)/faults/names $@

$(B)/faults/self-test/udpsrv: $(B)/faults/obj/mistaken.o $(B)/obj/tests/faults/inject.o
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^

.PHONY: faults faults-check faults-programs
faults-programs: $(PROGRAMS:%=$(B)/faults/%) $(B)/faults/self-test/udpsrv
	$(Q)tests/faults/selftest.py $(B)/faults/self-test

FAULTS_ONLY ?=
faults: ## let each system call fail, with each error, while the programs run (root); writes build/faults.md
	$(Q)$(MAKE) --no-print-directory B=build/asan SANITIZE=address,undefined WERROR=1 faults-programs
	$(Q)tests/faults/faults.py --programs build/asan/faults --report build/faults.md --only '$(FAULTS_ONLY)'

faults-check: ## the short form of make faults: each call fails in one way, within 45 s (root)
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) B=build/asan SANITIZE=address,undefined WERROR=1 faults-programs
	$(Q)tests/faults/faults.py --programs build/asan/faults --report build/faults-check.md --short

layers: words ## check the layers (what includes what), the size of files, the form of messages, the words, and the version
	$(Q)tests/layers
	$(Q)tests/versions
	$(Q)tests/messages

words:
	$(Q)tests/words --self-test
	$(Q)tests/words

manuals:
	$(Q)mandoc -Tlint -Wwarning $(MANUALS)
	$(Q)! for page in $(MANUALS); do mandoc -Tutf8 "$$page" | sed 's|.\x08||g'; done | grep -nE '(‘[^’]*){2}’’|(“[^”]*){2}””'

C_FILES = $(sort $(shell find src include tests -name '*.[ch]'))

format: ## format the sources
	$(Q)clang-format -i $(C_FILES)

lint: manuals ## check the sources by cppcheck and clang-format, and the manuals
	$(Q)clang-format --dry-run -Werror $(C_FILES)
	$(Q)cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	    --suppressions-list=tests/cppcheck.supp -D__linux__ -Iinclude src tests/bench

# ---- installation ----

# A quoted word of the shell: DESTDIR and PREFIX may contain blanks.
quote = '$(subst ','\'',$(1))'
to = $(call quote,$(DESTDIR)$(1))
# The manuals name paths below /usr/local; installed ones name paths below PREFIX. A blank would end an argument there.
blank := $() $()
escape = $(subst |,\|,$(subst &,\&,$(subst $(blank),\\ ,$(1))))
REAL_PATHS := -e $(call quote,s|/usr/local/share/udpsrv|$(call escape,$(DATADIR))|g) \
              -e $(call quote,s|/usr/local/share/doc/udpsrv|$(call escape,$(DOCDIR))|g) \
              -e $(call quote,s|/usr/local|$(call escape,$(PREFIX))|g)
# Units name programs in /usr/sbin; installed ones name those in SBINDIR.
escape_unit = $(subst |,\|,$(subst &,\&,$(subst $(blank),\\x20,$(1))))
REAL_SBINDIR := -e $(call quote,s|/usr/sbin/udp|$(call escape_unit,$(SBINDIR))/udp|g)

install: all ## install into PREFIX (/usr/local), below DESTDIR
	install -d $(call to,$(SBINDIR)) $(call to,$(BINDIR)) $(call to,$(DATADIR)) $(call to,$(DOCDIR)/docs)
	install -d $(call to,$(BASHDIR)) $(call to,$(ZSHDIR)) $(call to,$(FISHDIR))
	install -m 755 $(B)/udpsrv $(B)/udpctl $(call to,$(SBINDIR))
	install -m 755 $(B)/udpcli $(B)/udpload $(call to,$(BINDIR))
	install -m 644 $(SAMPLES) $(call to,$(DATADIR))
	for text in $(TEXTS); do install -m 644 $$text $(call to,$(DOCDIR))/$$text || exit 1; done
	install -m 644 $(filter $(B)/completions/bash/%,$(COMPLETIONS)) $(call to,$(BASHDIR))
	install -m 644 $(filter $(B)/completions/zsh/%,$(COMPLETIONS)) $(call to,$(ZSHDIR))
	install -m 644 $(filter $(B)/completions/fish/%,$(COMPLETIONS)) $(call to,$(FISHDIR))
	install -d $(call to,$(DATADIR)/prometheus)
	install -m 644 $(RULES) $(call to,$(DATADIR)/prometheus)
	install -d $(call to,$(DATADIR)/nftables)
	install -m 644 $(filter %.nft,$(BALANCER)) $(call to,$(DATADIR)/nftables)
	install -m 755 $(filter-out %.nft,$(BALANCER)) $(call to,$(DATADIR)/nftables)
	install -d $(call to,$(UNITDIR)) $(call to,$(SYSUSERSDIR)) $(call to,$(TMPFILESDIR))
	for unit in $(UNITS); do \
	    sed $(REAL_SBINDIR) config/systemd/$$unit >$(B)/unit && \
	    install -m 644 $(B)/unit $(call to,$(UNITDIR))/$$unit || exit 1; done
	install -m 644 config/systemd/sysusers.d/udpsrv.conf $(call to,$(SYSUSERSDIR))
	install -m 644 config/systemd/tmpfiles.d/udpsrv.conf $(call to,$(TMPFILESDIR))
	for page in $(MANUALS); do \
	    directory=$(call to,$(MANDIR))/man$${page##*.}; \
	    install -d "$$directory" && sed $(REAL_PATHS) $$page >$(B)/page && \
	    install -m 644 $(B)/page "$$directory/$${page##*/}" || exit 1; done

uninstall: ## remove only what install has installed
	for program in udpsrv udpctl; do rm -f $(call to,$(SBINDIR))/$$program; done
	for program in udpcli udpload; do rm -f $(call to,$(BINDIR))/$$program; done
	for program in $(PROGRAMS); do \
	    rm -f $(call to,$(BASHDIR))/$$program $(call to,$(ZSHDIR))/_$$program $(call to,$(FISHDIR))/$$program.fish; done
	for unit in $(UNITS); do rm -f $(call to,$(UNITDIR))/$$unit; done
	rm -f $(call to,$(SYSUSERSDIR))/udpsrv.conf $(call to,$(TMPFILESDIR))/udpsrv.conf
	for sample in $(notdir $(SAMPLES)); do rm -f $(call to,$(DATADIR))/$$sample; done
	for text in $(TEXTS); do rm -f $(call to,$(DOCDIR))/$$text; done
	for page in $(notdir $(MANUALS)); do rm -f $(call to,$(MANDIR))/man$${page##*.}/$$page; done
	for rules in $(notdir $(RULES)); do rm -f $(call to,$(DATADIR))/prometheus/$$rules; done
	for file in $(notdir $(BALANCER)); do rm -f $(call to,$(DATADIR))/nftables/$$file; done
	for directory in $(call to,$(DATADIR)/prometheus) $(call to,$(DATADIR)/nftables) $(call to,$(DATADIR)) $(call to,$(DOCDIR)/docs) $(call to,$(DOCDIR)); do \
	    rmdir "$$directory" 2>/dev/null || :; done # a directory with other files stays

clean: ## remove build/
	rm -rf build

deps: ## install what the tests need (Debian)
	$(Q)tests/deps --install

deps-ecosystem: ## install what make check-ecosystem needs: compilers, an emulator, Prometheus, Chromium, Redis, Mosquitto, tools of packages and containers (Debian)
	$(Q)tests/deps --install-ecosystem

deps-bench: ## install what the measurements need: tools and other services (Debian)
	$(Q)tests/deps --install-bench

# ---- packages ----

# The Debian package is built from a copy of the tree, since it belongs into none of the folders that a build of the tree
# changes; MAKEFLAGS would give it the variables of this make.
VERSION := $(shell sed -n 's/^.define UDPSRV_VERSION "\(.*\)"/\1/p' include/base/version.h)
DEB     := build/deb/udpsrv-$(VERSION)
TREE    := Makefile LICENSE README.md CHANGELOG.md src include config docs tests

.PHONY: deb
deb: ## build the Debian package into build/deb (debhelper; no root)
	$(Q)for tool in dpkg-buildpackage dh; do command -v $$tool >/dev/null || \
	    { echo "make deb: $$tool is missing; make deps-ecosystem installs it" >&2; exit 1; }; done
	$(Q)rm -rf build/deb && mkdir -p $(DEB) && chmod 755 $(DEB) && touch build/deb/begun
	$(Q)tar -c --exclude=__pycache__ --mode=u+w,go-w,a+rX $(TREE) | tar -x -p -m --no-same-owner -C $(DEB)
	$(Q)cp -Rp $(DEB)/config/debian $(DEB)/debian
	$(Q)find $(DEB) -exec touch -h -d "$$(dpkg-parsechangelog -l config/debian/changelog -S Date)" {} +
	cd $(DEB) && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u UDPSRV_BUILD dpkg-buildpackage --no-sign --build=full

# The container image has static programs and nothing else. Without a container tool there is still its root file system.
IMAGE      := build/image
IMAGE_CC   ?= musl-gcc
IMAGE_TOOL ?= $(firstword $(foreach tool,buildah podman docker,$(shell command -v $(tool))))
BUILD_IMAGE = $(IMAGE_TOOL) build $(if $(findstring docker,$(IMAGE_TOOL)),,--format docker --timestamp 0)

.PHONY: image
image: ## build the container image (buildah, podman or docker) from static programs in build/image/root
	@command -v $(IMAGE_CC) >/dev/null || { echo "make image: $(IMAGE_CC) is missing; make deps installs it" >&2; exit 1; }
	$(Q)$(MAKE) --no-print-directory B=$(IMAGE)/programs CC=$(IMAGE_CC) LDFLAGS='-static -s' $(PROGRAMS:%=$(IMAGE)/programs/%)
	$(Q)rm -rf $(IMAGE)/root
	$(Q)install -d $(IMAGE)/root/bin $(IMAGE)/root/run $(IMAGE)/root/etc/udpsrv $(IMAGE)/root/usr/share/doc/udpsrv
	$(Q)install -m 755 $(PROGRAMS:%=$(IMAGE)/programs/%) $(IMAGE)/root/bin
	$(Q)install -m 644 config/image/udpsrv.conf $(IMAGE)/root/etc/udpsrv
	$(Q)install -m 644 LICENSE $(wildcard /usr/share/doc/musl-dev/copyright) $(IMAGE)/root/usr/share/doc/udpsrv
	$(Q)tar -c --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -f $(IMAGE)/udpsrv-$(VERSION).tar -C $(IMAGE)/root .
ifeq ($(IMAGE_TOOL),)
	@echo 'make image: no buildah, podman or docker: the root file system is $(IMAGE)/root, and $(IMAGE)/udpsrv-$(VERSION).tar'
else
	$(BUILD_IMAGE) -t udpsrv:$(VERSION) -t udpsrv:latest -f config/image/Containerfile $(IMAGE)
endif

help: ## list the targets
	@sed -n 's/^\([a-z%-]*\):.*## /  make \1\t/p' Makefile | expand -t 20
	@echo 'Variables: CC=clang  BUILD_CC=cc  CPPFLAGS=  CFLAGS=  LDFLAGS=  SANITIZE=address,undefined  PREFIX=/usr  DESTDIR=  V=1  WERROR=1'
