/* What stands before the SSH keys of an organisation's people: one text for each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_draft.h"

/* "restrict,from=\"10.0.0.0/8\""; the words were judged when they were read. */
static char *join(const struct b2b_conf_words *words)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < words->n; i++) {
		const char *word = words->words[i], *equals = strchr(word, '=');

		if (equals)
			fprintf(out, "%s%.*s=\"%s\"", i ? "," : "", (int)(equals - word), word, equals + 1);
		else
			fprintf(out, "%s%s", i ? "," : "", word);
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int b2b_draft_compile_keys(struct b2b_draft *draft, struct b2b_conf *conf)
{
	const struct b2b_policy *policy = conf->policy;

	conf->key_options = calloc(policy->n_orgs + 1, sizeof(*conf->key_options));
	if (!conf->key_options)
		return -ENOMEM;
	for (uint32_t i = 0; i < policy->n_orgs; i++) {
		const struct b2b_draft_section *section = b2b_draft_find(draft, B2B_CONF_ORGANISATION, policy->orgs[i].alias);

		if (section->u.organisation.key_options.n == 0)
			continue;
		conf->key_options[i] = join(&section->u.organisation.key_options);
		if (!conf->key_options[i])
			return -ENOMEM;
	}
	return 0;
}
