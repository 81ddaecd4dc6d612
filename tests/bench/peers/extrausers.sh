# libnss-extrausers: passwd and group in a folder of their own, read from the start by every look-up.
. "$(dirname "$0")/lib.sh"

FOLDER=/var/lib/extrausers

publish()
{
	mkdir -p "$FOLDER"
	cp "$PASSWD" "$GROUP" "$FOLDER"
}

version extrausers libnss-extrausers
built extrausers publish
answers extrausers
disk extrausers "$FOLDER/passwd" "$FOLDER/group"
subject extrausers extrausers - all 'reads the whole file for each look-up'
