# install and uninstall: what goes where (included by the Makefile).
install: all ## install below DESTDIR
uninstall: ## remove what install put there
