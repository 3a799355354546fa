// A program that the kernel starts by itself: the handler of core dumps.
//
// Logged must be: its exec, by a process that has no program of its own before,
// with root's ids and no session.
// Goes wrong where an exec is seen at the system call: this one makes none.
#include "lib/expect.h"

#define PATTERN "/proc/sys/kernel/core_pattern"
static char pattern[256];

static void set(const char *value) {
	int fd = open(PATTERN, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0) fail(PATTERN ": %s", strerror(errno));
	close(fd);
}
static void restore(void) {
	if (*pattern) set(pattern);
}

// The handler has none of the case's descriptors and none of its environment.
static int handle(char **argv) {
	char *dir = strdup(argv[0]), *out, line[PATH_MAX] = "";
	*strrchr(dir, '/') = 0;
	FILE *f = fopen(format("%s/where", dir), "re");
	if (!f || !fgets(line, sizeof line, f)) return 1;
	out = strtok(line, "\n");
	int fd = open(out, O_WRONLY | O_APPEND);
	if (fd < 0 || dup2(fd, EXPECT_FD) < 0) return 1;
	join("a", getpid(), argv[1]);
	native("a", argv[0], hash(argv[0]), argv);
	has("a", "cwd", "/");
	has("a", "before.euid", "0");
	has("a", "after.euid", "0");
	lacks("a", "subject.image.path");
	lacks("a", "subject.script.path");
	lacks("a", "tty");
	// Until here nobody reads the dump, so that the case goes on after it.
	char buf[4096];
	while (read(0, buf, sizeof buf) > 0);
	return 0;
}

int main(int argc, char **argv) {
	if (argc > 1) return handle(argv);
	begin(restore);
	char *handler = again("handler");
	text("where", format("%s\n", getenv("CONFORMANCE_EXPECT")));
	char *value = format("|%s %s\n", handler, tok("a"));
	if (strlen(value) > 127) skip("the path %s is too long for " PATTERN, handler);
	int fd = open(PATTERN, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, pattern, sizeof pattern - 1) <= 0) skip(PATTERN ": %s", strerror(errno));
	close(fd);
	set(value);

	pid_t pid = MUST(fork());
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
		prctl(PR_SET_DUMPABLE, 1);
		abort();
	}
	int status;
	MUST(waitpid(pid, &status, 0));
	if (!WCOREDUMP(status)) skip("the kernel dumped no core");
	// The kernel may not wait for the handler's end, but the dump needs its reading.
	for (;;) {
		struct stat st;
		MUST(fstat(EXPECT_FD, &st));
		char last[32] = "";
		int in = open(getenv("CONFORMANCE_EXPECT"), O_RDONLY | O_CLOEXEC);
		if (st.st_size > 8 && pread(in, last, 8, st.st_size - 8) == 8 && strstr(last, "tty\n")) {
			close(in);
			end();
		}
		close(in);
		usleep(10000);
	}
}
