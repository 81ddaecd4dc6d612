# install and uninstall: what goes where (included by the Makefile).
#
# The list below is the only one: what `make install` puts there, `make uninstall` removes, and nothing else.
# /etc/b2b/b2b.conf and what is below /var/lib/b2b belong to the administrator and are never touched;
# the federation service of the tests is never installed.

SYSCONFDIR ?= /etc
UNITDIR    ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
DOCDIR     ?= $(PREFIX)/share/doc/b2b

# mode:source:target
INSTALLED := \
	755:$(B2BD):$(SBINDIR)/b2bd \
	755:$(CTL):$(SBINDIR)/b2bctl \
	755:$(KEYS):$(SBINDIR)/b2b-keys \
	644:$(PAM_SO):$(PAMDIR)/pam_b2b.so \
	644:$(SUDO_SO):$(SUDODIR)/sudo_b2b.so \
	644:$(NSS_SO):$(LIBDIR)/libnss_b2b.so.2 \
	644:packaging/b2b.conf:$(DOCDIR)/examples/b2b.conf \
	644:b2bd/SCALE.md:$(DOCDIR)/SCALE.md \
	644:packaging/sudo/sudo.conf:$(DOCDIR)/examples/sudo.conf \
	644:packaging/sudo/sudoers:$(DOCDIR)/examples/sudoers \
	644:packaging/sshd/50-b2b.conf:$(SYSCONFDIR)/ssh/sshd_config.d/50-b2b.conf \
	$(foreach f,$(wildcard packaging/systemd/*.service),644:$(f):$(UNITDIR)/$(notdir $(f))) \
	$(foreach f,$(wildcard packaging/sysusers/*.conf),644:$(f):$(SYSUSERSDIR)/$(notdir $(f))) \
	$(foreach f,$(wildcard packaging/tmpfiles/*.conf),644:$(f):$(TMPFILESDIR)/$(notdir $(f))) \
	$(foreach f,$(wildcard packaging/pam-configs/*),644:$(f):$(PREFIX)/share/pam-configs/$(notdir $(f))) \
	$(foreach f,$(wildcard */*.[58]),644:$(f):$(MANDIR)/man$(patsubst .%,%,$(suffix $(f)))/$(notdir $(f)))

split  = $(subst :, ,$(1))
target = $(word 3,$(call split,$(1)))

install: all ## install below DESTDIR
	@set -e; $(foreach i,$(INSTALLED),install -D -m $(word 1,$(call split,$(i))) '$(word 2,$(call split,$(i)))' '$(DESTDIR)$(call target,$(i))';) :
	@install -d -m 755 '$(DESTDIR)$(SYSCONFDIR)/b2b'
	@$(if $(DESTDIR),:,packaging/next-steps)

uninstall: ## remove what install put there
	@set -e; $(foreach i,$(INSTALLED),rm -f '$(DESTDIR)$(call target,$(i))';) :
	@rmdir '$(DESTDIR)$(DOCDIR)/examples' '$(DESTDIR)$(DOCDIR)' '$(DESTDIR)$(SYSCONFDIR)/b2b' 2>/dev/null || :
