/* What may stand in a snapshot: one rule for who builds it and who checks it. */
#include "common/snapshot_builder.h"

/* Length of the UTF-8 sequence at TEXT (LEN bytes left), or 0 where it is not one. */
static size_t sequence(const unsigned char *text, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = text[0] < 0x80 ? 1 : text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	uint32_t point;

	if (n == 1)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4 || n > len)
		return 0;
	point = text[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (text[i] & 0x3f);
	}
	if (point < least[n] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff) || (point >= 0x80 && point < 0xa0))
		return 0;
	return n;
}

bool b2b_gecos_valid(const char *text, size_t len)
{
	const unsigned char *at = (const unsigned char *)text;

	if (len >= B2B_GECOS_SIZE)
		return false;
	while (len > 0) {
		size_t n = sequence(at, len);

		if (n == 0 || *at < ' ' || *at == 0x7f || *at == ':' || *at == ',')
			return false;
		at += n;
		len -= n;
	}
	return true;
}

bool b2b_record_name_valid(const char *local, size_t alias_len)
{
	return b2b_local_valid(local) && strcmp(local, B2B_GROUP_MEMBERS) != 0 && strlen(local) + 1 + alias_len < B2B_NAME_SIZE;
}
