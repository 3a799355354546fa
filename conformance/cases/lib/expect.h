// What a case needs: to say what a truthful record holds, to make programs that
// no other case has, and to run them. Everything is static, so that a case is
// one file. README.md describes the lines that are written.
#ifndef EXPECT_H
#define EXPECT_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sha256.h"

#define UNUSED __attribute__((unused))

// The descriptor that takes the expectations. It stays open across chroot,
// namespaces and execs.
enum { EXPECT_FD = 9 };

extern char **environ;

// ---- lines ----------------------------------------------------------------

static char *line_buf;
static size_t line_len, line_cap;

static void line_add(char c) {
	if (line_len == line_cap) {
		line_cap = line_cap ? 2 * line_cap : 4096;
		line_buf = realloc(line_buf, line_cap);
		if (!line_buf) _exit(98);
	}
	line_buf[line_len++] = c;
}

static void line_raw(const char *s) {
	while (*s) line_add(*s++);
}

// One word: what is not plain is %XX, the empty string a hyphen.
static void line_word(const char *s) {
	static const char hex[] = "0123456789ABCDEF";
	line_add(' ');
	if (!*s) line_add('-');
	if (!strcmp(s, "-")) {
		line_raw("%2D");
		return;
	}
	for (; *s; s++) {
		unsigned char c = *s;
		if (c <= ' ' || c >= 127 || c == '%') {
			line_add('%');
			line_add(hex[c >> 4]);
			line_add(hex[c & 15]);
		} else {
			line_add(c);
		}
	}
}

// One write, so that lines of several processes do not mix (the file is open for
// appending).
static void line_end(void) {
	line_add('\n');
	size_t done = 0;
	while (done < line_len) {
		ssize_t n = write(EXPECT_FD, line_buf + done, line_len - done);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) _exit(98);
		done += n;
	}
	line_len = 0;
}

static void line_words(const char *id, const char *verb, char *const words[]) {
	line_raw(id);
	line_word(verb);
	for (; *words; words++) line_word(*words);
	line_end();
}

// The record says fact, and these are its values.
UNUSED static void has_list(const char *id, const char *fact, char *const values[]) {
	line_raw(id);
	line_raw(" has");
	line_word(fact);
	for (; *values; values++) line_word(*values);
	line_end();
}
UNUSED static void has(const char *id, const char *fact, const char *value) {
	has_list(id, fact, (char *[]){(char *)value, NULL});
}
UNUSED static void has_num(const char *id, const char *fact, long long value) {
	char s[32];
	snprintf(s, sizeof s, "%lld", value);
	has(id, fact, s);
}
// The record says fact, or says why it does not: nobody could know.
UNUSED static void may(const char *id, const char *fact, const char *value) {
	line_words(id, "may", (char *[]){(char *)fact, (char *)value, NULL});
}
// There is no such thing: a record that names one is wrong.
UNUSED static void lacks(const char *id, const char *fact) {
	line_words(id, "lacks", (char *[]){(char *)fact, NULL});
}
// What finds the record.
UNUSED static void join(const char *id, pid_t pid, const char *token) {
	char s[32];
	snprintf(s, sizeof s, "%d", (int)pid);
	line_words(id, "pid", (char *[]){s, NULL});
	if (token) line_words(id, "token", (char *[]){(char *)token, NULL});
}
// There is no such record.
UNUSED static void never(const char *id, pid_t pid, const char *token) {
	join(id, pid, token);
	line_words(id, "never", (char *[]){NULL});
}

static void cleanup_now(void);

static void case_line(const char *verb, const char *fmt, va_list ap) {
	char s[1024];
	vsnprintf(s, sizeof s, fmt, ap);
	line_len = 0;
	line_words("case", verb, (char *[]){s, NULL});
}

// This machine cannot run the case.
__attribute__((noreturn, format(printf, 1, 2))) UNUSED static void skip(const char *fmt, ...) {
	va_list ap;
	va_start(ap, fmt);
	case_line("skip", fmt, ap);
	cleanup_now();
	_exit(0);
}
// The case does not work. In a child too: the line is what counts.
__attribute__((noreturn, format(printf, 1, 2))) UNUSED static void fail(const char *fmt, ...) {
	va_list ap;
	va_start(ap, fmt);
	case_line("fail", fmt, ap);
	cleanup_now();
	_exit(99);
}
#define MUST(call)                                                                     \
	({                                                                             \
		__typeof__(call) must_result_ = (call);                                \
		if (must_result_ == (__typeof__(call))-1)                              \
			fail("%s:%d: %s: %s", __FILE__, __LINE__, #call, strerror(errno)); \
		must_result_;                                                          \
	})

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
	alarm(20);
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

// ---- processes ------------------------------------------------------------

static long long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// A process that was started, and what came of its exec.
struct run {
	pid_t pid;
	pid_t forker;
	int err;            // errno of a failed exec, or 0
	int status;         // from waitpid, after finish
	long long from, to; // the exec was between these moments
	int inherits;       // its working directory is that of the case
};

// start forks; the child calls setup(arg), if there is one, and then execs. start
// returns when the exec has succeeded or failed.
UNUSED static struct run start_with(void (*setup)(void *), void *arg, const char *path, char *const argv[],
                                    char *const envp[]) {
	struct run r = {.forker = getpid(), .inherits = !setup};
	int told[2];
	MUST(pipe2(told, O_CLOEXEC));
	r.from = now();
	r.pid = MUST(fork());
	if (r.pid == 0) {
		close(told[0]);
		if (setup) setup(arg);
		execve(path, argv, envp);
		int err = errno;
		if (write(told[1], &err, sizeof err) < 0) _exit(98);
		_exit(0);
	}
	close(told[1]);
	// The exec closes the pipe; so does dying.
	if (read(told[0], &r.err, sizeof r.err) < 0) fail("pipe: %s", strerror(errno));
	close(told[0]);
	r.to = now();
	return r;
}

UNUSED static struct run start(const char *path, char *const argv[]) {
	return start_with(NULL, NULL, path, argv, environ);
}

UNUSED static void finish(struct run *r) {
	while (waitpid(r->pid, &r->status, 0) < 0)
		if (errno != EINTR) fail("waitpid %d: %s", r->pid, strerror(errno));
}

// run is start, then finish, of an exec that must succeed.
UNUSED static struct run run_with(void (*setup)(void *), void *arg, const char *path, char *const argv[],
                                  char *const envp[]) {
	struct run r = start_with(setup, arg, path, argv, envp);
	finish(&r);
	if (r.err) fail("exec %s: %s", path, strerror(r.err));
	return r;
}
UNUSED static struct run run(const char *path, char *const argv[]) {
	return run_with(NULL, NULL, path, argv, environ);
}

// A hold lets a program live until it is released: what starts with hold_setup
// has the pipe as its standard input (see target.c).
static int hold_pipe[2] = {-1, -1};

UNUSED static void hold_setup(void *unused) {
	(void)unused;
	if (dup2(hold_pipe[0], 0) < 0) _exit(98);
}
UNUSED static struct run start_held(const char *path, char *const argv[]) {
	MUST(pipe2(hold_pipe, O_CLOEXEC));
	struct run r = start_with(hold_setup, NULL, path, argv, environ);
	r.inherits = 1;
	if (r.err) fail("exec %s: %s", path, strerror(r.err));
	return r;
}
UNUSED static void release(struct run *r) {
	close(hold_pipe[1]);
	close(hold_pipe[0]);
	finish(r);
}

// A watch tells when every process that was forked since has exec'd or ended.
UNUSED static void watch_begin(int watch[2]) { MUST(pipe2(watch, O_CLOEXEC)); }
UNUSED static void watch_wait(int watch[2]) {
	char c;
	close(watch[1]);
	if (read(watch[0], &c, 1) != 0) fail("somebody wrote to a watch");
	close(watch[0]);
}

// A door keeps processes waiting until it is opened.
struct door {
	int end[2];
};
UNUSED static struct door door_make(void) {
	struct door d;
	MUST(pipe2(d.end, O_CLOEXEC));
	return d;
}
UNUSED static void door_pass(struct door d) {
	char c;
	if (read(d.end[0], &c, 1) != 1) _exit(98);
}
UNUSED static void door_open(struct door d) {
	if (write(d.end[1], "", 1) != 1) _exit(98);
}

// shared is memory that the case's processes have in common, zero at first.
UNUSED static void *shared(size_t size) {
	return MUST(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

// wait_orphaned waits until this process's parent is dead and another its parent.
UNUSED static void wait_orphaned(pid_t parent) {
	while (getppid() == parent) usleep(100);
}

// child_of is the only child of a process that may be in another pid namespace,
// as this one sees it, or 0.
UNUSED static pid_t child_of(pid_t parent) {
	DIR *proc = opendir("/proc");
	struct dirent *e;
	pid_t found = 0;
	while (proc && !found && (e = readdir(proc))) {
		int pid, ppid;
		FILE *f = fopen(format("/proc/%s/stat", e->d_name), "re");
		if (!f) continue;
		// The name in brackets is this program's.
		if (fscanf(f, "%d %*[^)]) %*c %d", &pid, &ppid) == 2 && ppid == parent) found = pid;
		fclose(f);
	}
	if (proc) closedir(proc);
	return found;
}

// ---- mounts ---------------------------------------------------------------

// private_mounts gives the process mounts of its own.
UNUSED static void private_mounts(void) {
	MUST(unshare(CLONE_NEWNS));
	// Where the root is no mount point, which mounts are shared cannot be changed so.
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) skip("mounts of its own: %s", strerror(errno));
}

// mounted mounts a file system in the scratch directory, to be given to
// umount_all by the case's cleanup.
UNUSED static char *mounted(const char *name, const char *type, const char *source, unsigned long flags,
                            const char *options) {
	char *dir = here(name);
	if (mkdir(dir, 0755) < 0 && errno != EEXIST) fail("mkdir %s: %s", dir, strerror(errno));
	if (mount(source, dir, type, flags, options) < 0) skip("mount %s: %s", type ? type : source, strerror(errno));
	return dir;
}
UNUSED static void umount_all(void) {
	// The runner would too, and would say so.
	char line[PATH_MAX + 512], *found[64];
	int n = 0;
	FILE *f = fopen("/proc/self/mounts", "re");
	while (f && fgets(line, sizeof line, f)) {
		char *dir = strchr(line, ' ');
		if (!dir) continue;
		dir++;
		dir[strcspn(dir, " ")] = 0;
		if (!strncmp(dir, case_dir, strlen(case_dir)) && n < 64) found[n++] = strdup(dir);
	}
	if (f) fclose(f);
	while (n > 0) umount2(found[--n], MNT_DETACH);
}

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
