# The simulated fleet: thousands of shipped agents in a few processes.
FLEET := $(BUILD)/fleet-tools/fleet

# Its own guard link, building of snapshots and wait come first, and take the place of the agent's.
$(FLEET): $(call objs,$(wildcard tests/fleet/*.c)) $(BUILD)/libagent.a $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -pie -o $@ $^ $(B2BD_LIBS) -lpthread -ldl
