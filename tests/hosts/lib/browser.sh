# A browser of sorts: fetches a page, fills in one of its forms, sends it with what the page hid in it, keeps cookies.

# browser_form MARK: out of the HTML on standard input, the first form in which a tag matches MARK: its action on the first
# line, then NAME=VALUE of its hidden fields.
browser_form()
{
	tr '\n' ' ' | sed 's/</\n</g' | awk -v mark="$1" '
		function attribute(tag, name,    rest) {
			if (!match(tag, "[ \t]" name "=\"[^\"]*\"")) return ""
			rest = substr(tag, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
			gsub(/&quot;/, "\"", rest); gsub(/&#39;/, "\x27", rest); gsub(/&lt;/, "<", rest); gsub(/&gt;/, ">", rest); gsub(/&amp;/, "\\&", rest)
			return rest
		}
		tolower($0) ~ /^<form/ { inside = 1; found = 0; lines = attribute($0, "action") }
		inside && $0 ~ mark { found = 1 }
		inside && tolower($0) ~ /^<input/ && /type="hidden"/ { lines = lines "\n" attribute($0, "name") "=" attribute($0, "value") }
		tolower($0) ~ /^<\/form/ { if (inside && found) { print lines; exit } inside = 0 }'
}

# browser_press JAR URL MARK NAME=VALUE… <PAGE: fills in the form of the page that came from URL and sends it; prints the
# page that answers. Fails when there is no such form.
browser_press()
{
	local jar=$1 url=$2 form action arguments=() line

	form=$(browser_form "$3")
	shift 3
	test -n "$form" || return 1
	{
		read -r action
		while read -r line; do arguments+=(--data-urlencode "$line"); done
	} <<<"$form"
	for line; do arguments+=(--data-urlencode "$line"); done
	case $action in
	'') action=$url ;;
	/*) action=$ISSUER$action ;;
	esac
	federation_curl -f -L -b "$jar" -c "$jar" -e "$url" -H "Origin: $ISSUER" "${arguments[@]}" "$action"
}

browser_open()
{
	federation_curl -L -b "$1" -c "$1" "$2"
}

# The text of an HTML page, for a person to read.
browser_text()
{
	tr '\n' ' ' | sed -e 's/<style.*<\/style>//' -e 's/<\/\(p\|h[1-6]\|tr\|li\|div\|title\)>/\n/g' -e 's/<[^>]*>/ /g' |
		sed -e 's/&amp;/\&/g; s/&#39;/'"'"'/g; s/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g' -e 's/  */ /g; s/^ //' | grep -v '^ *$'
}
