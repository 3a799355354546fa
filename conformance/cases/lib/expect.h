// What a case needs: to say what a truthful record holds, to make programs that
// no other case has, and to run them. Everything is static, so that a case is
// one file. README.md describes the lines that are written.
#ifndef EXPECT_H
#define EXPECT_H
#include "lines.h"
#include "sha256.h"

// ---- the case -------------------------------------------------------------

static const char *case_token;
static char case_self[PATH_MAX]; // this program's file
static char case_dir[PATH_MAX];  // the scratch directory, the working directory at the start
static void (*case_cleanup)(void);
static pid_t case_pid;

static void cleanup_now(void) {
	if (case_cleanup && getpid() == case_pid) case_cleanup();
}

static void on_alarm(int sig) {
	(void)sig;
	fail("did not end in time");
}

// begin is the first thing a case calls. cleanup, which may be NULL, is called
// once, however the case ends, to undo what outlives its processes.
UNUSED static void begin(void (*cleanup)(void)) {
	// A case that runs again as its own target keeps its token.
	case_token = getenv("CONFORMANCE_TOKEN");
	if (!case_token) _exit(97);
	case_pid = getpid();
	case_cleanup = cleanup;
	ssize_t n = MUST(readlink("/proc/self/exe", case_self, sizeof case_self - 1));
	case_self[n] = 0;
	if (!getcwd(case_dir, sizeof case_dir)) fail("getcwd: %s", strerror(errno));
	signal(SIGALRM, on_alarm);
	const char *limit = getenv("CONFORMANCE_LIMIT");
	alarm(limit ? atoi(limit) : 20);
}

// end is the last thing a case calls.
UNUSED __attribute__((noreturn)) static void end(void) {
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR);
	cleanup_now();
	line_words("case", "end", (char *[]){NULL});
	_exit(0);
}

static char *format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *format(const char *fmt, ...) {
	va_list ap;
	char *s;
	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0) _exit(98);
	va_end(ap);
	return s;
}

// tok is a string that stands nowhere but in the exec of this expectation.
UNUSED static char *tok(const char *id) { return format("%s.%s.", case_token, id); }

// here is the absolute path of a name in the scratch directory.
UNUSED static char *here(const char *name) { return format("%s/%s", case_dir, name); }

// ---- files ----------------------------------------------------------------

static char *hash_fd(int fd) {
	static char buf[1 << 16];
	struct sha256 h;
	sha256_init(&h);
	off_t at = 0;
	for (;;) {
		ssize_t n = MUST(pread(fd, buf, sizeof buf, at));
		if (n == 0) break;
		sha256_add(&h, buf, n);
		at += n;
	}
	return sha256_hex(&h);
}

// hash is the SHA-256 of a file's bytes at this moment.
UNUSED static char *hash(const char *path) {
	int fd = MUST(open(path, O_RDONLY | O_CLOEXEC));
	char *s = hash_fd(fd);
	close(fd);
	return s;
}

static void copy_fd(int from, int to) {
	static char buf[1 << 16];
	ssize_t n;
	while ((n = MUST(read(from, buf, sizeof buf))) > 0)
		if (MUST(write(to, buf, n)) != n) fail("short write");
}

// copy makes a file with another's bytes and tail behind them, which an ELF
// program does not mind, so that its hash is its own.
UNUSED static char *copy(const char *from, const char *to, const char *tail, mode_t mode) {
	int in = MUST(open(from, O_RDONLY | O_CLOEXEC));
	int out = MUST(open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700));
	copy_fd(in, out);
	if (write(out, tail, strlen(tail)) < 0) fail("write %s: %s", to, strerror(errno));
	MUST(fchmod(out, mode));
	close(in);
	close(out);
	return (char *)to;
}

UNUSED static char *tool(const char *name) { return format("%s/%s", getenv("CONFORMANCE_BIN"), name); }

// target makes a program of the scratch directory that exits at once, or does
// what its last argument says (see target.c), and is its absolute path.
UNUSED static char *target(const char *name) {
	return copy(tool("target"), here(name), tok(name), 0755);
}

// again makes a copy of this very program, to be run with a role as argument.
UNUSED static char *again(const char *name) { return copy(case_self, here(name), tok(name), 0755); }

// text makes a file, of mode 0755, with these bytes.
UNUSED static char *text(const char *name, const char *bytes) {
	char *path = *name == '/' ? strdup(name) : here(name);
	int fd = MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755));
	if (write(fd, bytes, strlen(bytes)) < 0) fail("write %s: %s", path, strerror(errno));
	MUST(fchmod(fd, 0755));
	close(fd);
	return path;
}

// real is a path with every link resolved.
UNUSED static char *real(const char *path) {
	char *s = realpath(path, NULL);
	if (!s) skip("%s: %s", path, strerror(errno));
	return s;
}

// identity of a file: device and inode number.
UNUSED static char *identity(const char *path) {
	struct stat st;
	MUST(stat(path, &st));
	return format("%u:%u:%llu", major(st.st_dev), minor(st.st_dev), (unsigned long long)st.st_ino);
}

// state is what stat says of a file at this moment; the program that it belongs to
// is executed later.
UNUSED static struct stat state(const char *path) {
	struct stat st;
	MUST(stat(path, &st));
	return st;
}

#include "process.h"

// ---- expectations ---------------------------------------------------------

// when says between which moments the exec was.
UNUSED static void when(const char *id, long long from, long long to) {
	char a[32], b[32];
	snprintf(a, sizeof a, "%lld", from);
	snprintf(b, sizeof b, "%lld", to);
	has_list(id, "time", (char *[]){a, b, NULL});
}

// expect is what holds for every program that this case starts by start or run:
// whose exec it is, when, who forked it and what it ran before.
UNUSED static void expect(const char *id, const struct run *r) {
	join(id, r->pid, tok(id));
	when(id, r->from, r->to);
	has_num(id, "forker", r->forker);
	has(id, "subject.image.path", case_self);
	lacks(id, "subject.script.path");
	if (r->inherits) has(id, "cwd", case_dir);
}

// native is the image of a program that no script stands before.
UNUSED static void native(const char *id, const char *path, const char *sum, char *const argv[]) {
	if (path) has(id, "image.path", path);
	if (sum) has(id, "image.sha256", sum);
	if (argv) {
		has_list(id, "argv", argv);
		has_list(id, "argv.passed", argv);
	}
	lacks(id, "script.path");
}

// inode is what the image's file was at the exec.
UNUSED static void inode(const char *id, const struct stat *st) {
	has(id, "image.file",
	    format("%u:%u:%llu", major(st->st_dev), minor(st->st_dev), (unsigned long long)st->st_ino));
	has(id, "image.mode", format("%o", st->st_mode));
	has_num(id, "image.uid", st->st_uid);
	has_num(id, "image.gid", st->st_gid);
	has_num(id, "image.size", st->st_size);
	has_num(id, "image.mtime", st->st_mtim.tv_sec * 1000000000LL + st->st_mtim.tv_nsec);
	has_num(id, "image.ctime", st->st_ctim.tv_sec * 1000000000LL + st->st_ctim.tv_nsec);
}

// scripted is the image of a script, and the script; argv is what the image
// received, passed what the caller gave.
UNUSED static void scripted(const char *id, const char *script, const char *image, char *const argv[],
                            char *const passed[]) {
	if (script) {
		has(id, "script.path", script);
		has(id, "script.sha256", hash(script));
	}
	has(id, "image.path", image);
	has(id, "image.sha256", hash(image));
	if (argv) has_list(id, "argv", argv);
	if (passed) has_list(id, "argv.passed", passed);
}

// ran is a process whose exec was between from and now, for cases that fork on
// their own.
UNUSED static struct run ran(pid_t pid, pid_t forker, long long from) {
	return (struct run){.pid = pid, .forker = forker, .from = from, .to = now()};
}

// ARGV writes an argument vector.
#define ARGV(...) ((char *[]){__VA_ARGS__, NULL})

#endif
