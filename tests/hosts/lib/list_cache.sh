# A host "lists" that carries the service's status lists as any HTTP cache does: nginx, with a certificate of its own authority.

LISTS=https://lists

# list_cache_names: the authority's certificate beside the service's, for hosts that are joined from now on. After federation_start.
list_cache_names()
{
	local run=$LAB/run

	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=lists authority' \
		-keyout "$run/lists-ca.key" -out "$run/lists-ca.pem" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=lists' -keyout "$run/lists.key" -out "$run/lists.csr" 2>/dev/null
	openssl x509 -req -in "$run/lists.csr" -CA "$run/lists-ca.pem" -CAkey "$run/lists-ca.key" -CAcreateserial -days 2 \
		-extfile <(echo 'subjectAltName=DNS:lists') -out "$run/lists.pem" 2>/dev/null
	cat "$run/lists-ca.pem" >>"$run/ca.pem"
}

list_cache_start()
{
	list_cache_names
	host_boot lists
	for file in ca.pem lists.pem lists.key; do
		host_exec lists sh -c "umask 077; cat >/run/lab/$file" <"$LAB/run/$file"
	done
	host_exec lists install -d /var/log/nginx /var/lib/nginx /var/cache/lists
	host_exec lists tee /run/lab/nginx.conf >/dev/null <<-'CONF'
		daemon off;
		pid /run/nginx.pid;
		error_log stderr;
		events {}
		http {
			log_format asked 'asked $upstream_cache_status $status $remote_addr';
			access_log /dev/stdout asked;
			proxy_cache_path /var/cache/lists keys_zone=lists:1m max_size=16m;
			server {
				listen 443 ssl;
				ssl_certificate /run/lab/lists.pem;
				ssl_certificate_key /run/lab/lists.key;
				location /status-lists/ {
					proxy_pass https://login.lab;
					proxy_ssl_verify on;
					proxy_ssl_trusted_certificate /run/lab/ca.pem;
					proxy_ssl_name login.lab;
					proxy_ssl_server_name on;
					proxy_http_version 1.1;
					proxy_cache lists;
					proxy_cache_lock on;
				}
			}
		}
	CONF
	host_spawn lists nginx nginx -c /run/lab/nginx.conf
	wait_for 10 host_listens lists 443 || die "nginx does not listen: $(host_log lists nginx)"
}

# list_cache_forget: as if everything that it keeps were over.
list_cache_forget()
{
	host_exec lists find /var/cache/lists -type f -delete
}

# list_cache_asked PATTERN: how many of its answers were HIT, MISS, EXPIRED …
list_cache_asked()
{
	host_log lists nginx | grep -cE "^asked ($1) "
}

# list_asked: how often the service itself was.
list_asked()
{
	federation_curl -f "$ISSUER/status-lists/asked" | jq -e .asked
}
