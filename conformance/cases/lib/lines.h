// Writing the lines of README.md, and what stops a case.
#ifndef LINES_H
#define LINES_H
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

// The descriptor that takes the expectations. It stays open across chroot,
// namespaces and execs.
enum { EXPECT_FD = 9 };

extern char **environ;

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
#endif
