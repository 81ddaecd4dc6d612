# The results as Markdown.
include "stats";

def line: "| \(join(" | ")) |";
def head: line, "|\(map("---") | join("|"))|";
def ms: if . == null then "–" elif . == infinite then "never" else "\(. * 10 | round / 10)" end;
def bold: if . == "FAILED" then "**FAILED**" else . end;
def kb: "\(. / 100 | round / 10)";

def named: { person: "one person", organisation: "one organisation", everybody: "everybody" };
def stage_names: { delivery: "event to receipt", closed: "receipt to closed", durable: "receipt to disk", gone: "receipt to gone", total: "event to gone" };

def time_rows: .conditions[] | .title as $title | .scopes[] | select(.nobody.n > 0)
	| [$title, named[.scope], (.processes | thousands), (.nobody.n | tostring), (.gone.p50 | ms), (.gone.p99 | ms), (.nobody.p50 | ms), "**\(.nobody.p99 | ms)**", (.nobody.most | ms), (.look.p50 | ms)] | line;
def stage_rows: .conditions[] | .title as $title | .stages[] | select(.n > 0) | [$title, stage_names[.stage], (.n | tostring), (.p50 | ms), (.p99 | ms), (.most | ms)] | line;
def memory_rows: .conditions[] | .title as $title | .memory.processes[] | [$title, .name, (.pss_kb | kb), (.rss_kb | kb), (.most_rss_kb | kb)] | line;

"# How long a revocation takes", "",
"Written by `\(.command)` on \(.date) in \(.seconds) s; do not edit. The plot is [revocation.svg](revocation.svg), the figures are in [revocation.json](revocation.json).", "",
"![share of the ends that took longer](revocation.svg)", "",
(.machine | to_entries[] | "- \(.key): \(.value)"),
"- sizes: \(.sizes.sessions | thousands) sessions of \(.sizes.organisations) organisations, \(.sizes.large | thousands) of them of one; beside them \(.sizes.others) sessions of an organisation that has nothing to do with these and \(.sizes.local) processes of a local account; \(.sizes.people | thousands) people in the directory",
"- busy disk: the disk of /var/lib/b2b is a loop device whose every flush takes \(.disk.flush_ms) ms; an fdatasync there that rewrites takes \(.disk.overwrite_ms) ms, one that appends (two flushes) \(.disk.append_ms) ms",
"- b2bd: \(.product)", "",
"Real b2bd, guard and agent, on a throw-away host; the embedded federation service on the same machine, over TLS. A session is what sshd makes: opened through the host's own PAM",
"stack, root's leader (which closes the PAM session at its end), and the person's relay, shell, and a command that left the shell's session; \(.sizes.ssh) of those that are ended are log-ins with sshd itself.",
"In place of who was ended another gets a session before the next is. An organisation is suspended and, when it is reinstated, logs in again; everybody are all of these organisations, below one that is suspended.", "",
"The clock runs from the service's commit of the event (read just after it, in whole milliseconds: up to 1 ms too early) to the *end* of a look into /proc that finds no process with one of",
"the ids as any of its uids or as its audit login uid. The processes that were seen before are waited for by pidfd, and the look begins when the last of them is gone: \"gone\" is that moment. What the look takes",
"(last column) is therefore how much too late \"nobody\" may be. Both clocks are this machine's one. Quantiles are nearest ranks; nothing is left out.", "",
"## Targets", "",
(["", "target", "measured", ""] | head), (.targets[] | [.what, .target, .shown, (.verdict | bold)] | line),
"", "## Times", "", "In ms from the service's commit.", "",
(["", "ended", "processes", "n", "gone p50", "gone p99", "nobody p50", "nobody p99", "nobody max", "the look"] | head), time_rows,
"", "## What b2bd says of the same", "",
"Its own figures (`b2bctl status`, and the audit lines by which they are told apart here) for people, in ms. An offboarding is two events, the account's and its sessions': the end for the second waits for the",
"first's, finds nobody, and is not counted.", "",
(["", "stage", "n", "p50", "p99", "max"] | head), stage_rows,
"", "## Memory", "", "In MB. Proportional (PSS) counts a page that several map once; resident counts shared libraries in each.", "",
(["", "process", "proportional", "resident", "most that was resident"] | head), memory_rows,
"", "## Beside what others document", "",
"Read from their code and documents in 2026, not measured here.", "",
(["", "a new log-in", "a live session is ended", "besides"] | head),
(["b2b", "closed before anything else (\"receipt to closed\" above)", "yes, with stock sshd: the table above", "sessions that may not be kept without the service end with the lease"] | line),
($peers[0][] | [.peer, .opened, .ended, .otherwise] | line)
