/*
 * The claim mapper: which organisation a token speaks of, in the shapes that products give the claim.
 *
 * A PATH is a claim's whole name (which may be a URL); or, where there is no such claim, names with '/' between them that lead into
 * objects. An organisation's claim is
 *   a string: the id;
 *   an array of strings: the ids of all organisations that the person is in;
 *   an object that has the path's last name ("id" where the path is the claim itself) as a string: that is the id;
 *   an object keyed by alias, each of whose values is an object that has it: the ids of all organisations.
 * Ids are compared byte for byte with those of root's configuration: what a service may rename, an alias, is no id.
 */
#ifndef B2B_MAPPER_H
#define B2B_MAPPER_H

#include "b2bd/federation/token.h"

#define B2B_ORGANISATIONS_MAX 64 /* of one person */
#define B2B_WORDS_MAX 256        /* roles, or groups, of one person */

/*
 * The id of the one organisation that CLAIMS name at PATH; *ret_id, which the caller frees, is NULL where they name none (absent, null or
 * empty) or several. Returns B2B_TOKEN_OK or the fault.
 */
enum b2b_token_fault b2b_mapper_only_organisation(const json_t *claims, const char *path, char **ret_id);

/*
 * Is ID among the organisations that CLAIMS name at PATH? A person of several logs in to exactly one, that of the log-in's name.
 * Returns B2B_TOKEN_OK, B2B_TOKEN_ORG_ABSENT, B2B_TOKEN_ORG_OTHER, or the fault of the claim.
 */
enum b2b_token_fault b2b_mapper_in_organisation(const json_t *claims, const char *path, const char *id);

/*
 * Is the text at PATH exactly NAME, the log-in's own name without its organisation? B2B_TOKEN_OK or B2B_TOKEN_NAME_OTHER, which is
 * also the answer where there is no such text.
 */
enum b2b_token_fault b2b_mapper_is_named(const json_t *claims, const char *path, const char *name);

/*
 * The words, roles or groups, that CLAIMS give at PATH to a member of the organisation ID (which they name at ORGANISATION_PATH): a text,
 * an array of texts, or an object whose names are the words. Where such a name's value is an object, it is keyed by the organisations
 * that the word is given in, and only counts in those. A PATH that begins with "%o/" leads into the object that has ID in
 * the organisation's claim. Returns B2B_TOKEN_OK with an array of different texts (empty where there are none; caller json_decrefs),
 * B2B_TOKEN_WORDS_SHAPE, B2B_TOKEN_WORDS_MANY, or B2B_TOKEN_MALFORMED (no memory).
 */
enum b2b_token_fault b2b_mapper_words(const json_t *claims, const char *organisation_path, const char *id, const char *path,
                                      json_t **ret_words);

#endif
