// Execs that fail, each in its own way, and then one that succeeds, in one
// process.
//
// Logged must be: the one that succeeded, and nothing of the others, neither as
// records nor as remains in the one that follows.
// Goes wrong where the call is logged at its entry, where its result is not known
// yet, or where what an attempt left behind is picked up by the next.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *path = target("program");
	char *busy = target("busy");
	char *denied = target("denied");
	MUST(chmod(denied, 0644));
	char *script = text("script", format("#!%s\n", here("no-such-interpreter")));
	char *empty = text("empty", "");
	char *broken = text("broken", "\177ELF but not really");
	char *directory = here("directory");
	MUST(mkdir(directory, 0755));
	char *sum = hash(path);
	int writer = MUST(open(busy, O_WRONLY | O_CLOEXEC));
	// Some kernels around 6.11 execute a file that is open for writing.
	struct run probe = start(busy, ARGV(busy, "probe"));
	finish(&probe);
	// One string longer than the kernel takes (MAX_ARG_STRLEN, 32 pages).
	size_t len = 33 * sysconf(_SC_PAGESIZE);
	char *big = malloc(len + 1);
	memset(big, 'x', len);
	big[len] = 0;

	struct {
		const char *id, *path;
		int err;
	} tries[] = {
		{"absent", here("absent"), ENOENT}, {"directory", directory, EACCES}, {"denied", denied, EACCES},
		{"script", script, ENOENT},         {"empty", empty, ENOEXEC},         {"broken", broken, ENOEXEC},
		{"large", path, E2BIG},             {"fault", NULL, EFAULT},            {"busy", busy, ETXTBSY},
	};
	enum { TRIES = sizeof tries / sizeof *tries };
	static int got[TRIES];
	int tries_made = probe.err == ETXTBSY ? TRIES : TRIES - 1;
	char **argv = ARGV(path, tok("a"));
	int told[2];
	MUST(pipe2(told, O_CLOEXEC));

	long long from = now();
	pid_t pid = MUST(fork());
	if (pid == 0) {
		for (int i = 0; i < tries_made; i++) {
			char **args = i == 6 ? ARGV(path, tok(tries[i].id), big) : ARGV(path, tok(tries[i].id));
			execv(tries[i].path, args);
			got[i] = errno;
		}
		if (write(told[1], got, sizeof got) != sizeof got) _exit(1);
		execv(path, argv);
		_exit(127);
	}
	if (read(told[0], got, sizeof got) != sizeof got) fail("pipe");
	int status;
	MUST(waitpid(pid, &status, 0));
	if (status) fail("the last exec failed");
	struct run r = {.pid = pid, .forker = getpid(), .from = from, .to = now(), .inherits = 1};
	expect("a", &r);
	native("a", path, sum, argv);
	has("a", "filename", path);
	for (int i = 0; i < tries_made; i++) {
		if (got[i] != tries[i].err)
			fail("%s failed with %s, not %s", tries[i].id, strerror(got[i]), strerror(tries[i].err));
		never(tries[i].id, pid, tok(tries[i].id));
	}
	close(writer);
	end();
}
