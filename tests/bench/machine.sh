# For benchmarks (sourced).

# machine FOLDER: what all figures depend on, as JSON; FOLDER is where what is measured has its files.
machine()
{
	jq -n --arg cpu "$(sed -n 's/^model name\t*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores" \
		--arg memory "$(awk '/^MemTotal/ { printf "%.1f GB", $2 * 1024 / 1e9 }' /proc/meminfo)" \
		--arg kernel "$(uname -sr)" --arg system "$(. /etc/os-release && echo "$PRETTY_NAME")" \
		--arg libc "$(getconf GNU_LIBC_VERSION)" --arg compiler "$(cc --version | head -n 1)" \
		--arg disk "$(stat -f -c %T "$1")" --arg load "$(cut -d' ' -f1-3 /proc/loadavg)" \
		'{ processor: $cpu, memory: $memory, kernel: $kernel, system: $system, "C library": $libc, compiler: $compiler, "file system": $disk, "load average when it began": $load }'
}
