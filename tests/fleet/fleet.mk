# The simulated fleet: thousands of shipped agents in a few processes.
FLEET := $(BUILD)/fleet-tools/fleet

fleet-tools: $(FLEET)

bench-fleet: all fleet-tools ## 10,000 simulated hosts against one service (HOSTS=1000 for a quick look); within 8 minutes
	BUILD='$(BUILD)' tests/fleet/bench

.PHONY: fleet-tools bench-fleet

# Its own guard link, building of snapshots and wait come first, and take the place of the agent's.
$(FLEET): $(call objs,$(wildcard tests/fleet/*.c)) $(BUILD)/libagent.a $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -pie -o $@ $^ $(B2BD_LIBS) -lpthread -ldl
