# The benchmark: its programs, and the floors as NSS modules of their own. They are compiled as what is shipped is.
BENCH        := $(BUILD)/bench-tools
BENCH_PARTS  := tests/bench/people.c tests/bench/source.c tests/bench/packed.c
BENCH_FLOORS := $(patsubst %,$(BENCH)/libnss_bench%.so.2,none flat hash)
BENCH_TOOLS  := $(addprefix $(BENCH)/,generate build bench worker first visible hold slow_disk) $(BENCH_FLOORS)

bench-tools: $(BENCH_TOOLS)

bench-results: ## keep what `make bench` wrote as the results of this tree
	install -m 644 $(BUILD)/bench/RESULTS.md $(BUILD)/bench/results.json $(BUILD)/bench/results.svg tests/bench/

bench-revocation-results: ## keep what `make bench-revocation` wrote
	install -m 644 $(BUILD)/bench-revocation/REVOCATION.md $(BUILD)/bench-revocation/revocation.json $(BUILD)/bench-revocation/revocation.svg tests/bench/

.PHONY: bench-tools bench-results bench-revocation-results

# In one piece, as our module's calls are joined across files too.
FLOOR_PARTS  := tests/bench/floor/entry.c tests/bench/source.c tests/bench/packed.c
$(BENCH)/libnss_bench%.so.2: tests/bench/floor/%.c $(FLOOR_PARTS) $(wildcard tests/bench/*.h tests/bench/floor/*.h common/policy.h)
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(CPPFLAGS)) $(CFLAGS) $(LTO) $(filter-out -fno-lto,$(LDFLAGS)) -DSERVICE=bench$* -shared -Wl,-z,defs \
		-Wl,-soname,libnss_bench$*.so.2 -o $@ $< $(FLOOR_PARTS)

$(BENCH)/generate: $(call objs,tests/bench/generate.c tests/bench/people.c)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -pie -o $@ $^

$(BENCH)/worker: $(call objs,tests/bench/worker.c tests/bench/ask.c tests/bench/keys.c tests/bench/ops.c tests/bench/people.c tests/bench/first_run.c \
	tests/bench/memory.c common/clock.c)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -pie -o $@ $^ -lpthread

$(BENCH)/bench: $(call objs,tests/bench/bench.c tests/bench/measure.c tests/bench/subject.c tests/bench/ops.c tests/bench/people.c \
	tests/bench/first_run.c) $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -pie -o $@ $^ $(call pkg,--libs,jansson)

$(BENCH)/build: $(call objs,tests/bench/build.c tests/bench/publish.c tests/bench/flat_write.c $(BENCH_PARTS)) $(BUILD)/libagent.a $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -pie -o $@ $^ $(B2BD_LIBS) -lpthread

$(BENCH)/first: $(call objs,tests/bench/first.c)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -pie -o $@ $^

$(BENCH)/visible: $(call objs,tests/bench/visible.c tests/bench/people.c) $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -pie -o $@ $^ $(call pkg,--libs,libacl)

# What ends of sessions are measured with.
$(BENCH)/hold: $(call objs,tests/bench/revocation/hold.c)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -pie -o $@ $^ -lpam

$(BENCH)/slow_disk: $(call objs,tests/bench/revocation/slow_disk.c)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -pie -o $@ $^ -lpthread
