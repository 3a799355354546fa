// A script that is a shebang and nothing else, without a newline at its end; and
// one in whose first line a zero byte stands, which ends the interpreter's name.
//
// Logged must be: the interpreter that was loaded, and the script, both times.
// Goes wrong where the monitor looks for the end of a line, or takes the rest of
// the second line for an argument: the kernel did not.
#include "lib/expect.h"

static void script(const char *id, const char *bytes, size_t len) {
	char *interpreter = here("interpreter"), *path = here(id);
	int fd = MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
	if (write(fd, bytes, len) != (ssize_t)len) fail("write %s: %s", path, strerror(errno));
	MUST(fchmod(fd, 0755));
	close(fd);
	char **argv = ARGV(path, tok(id));
	struct run r = run(path, argv);
	expect(id, &r);
	scripted(id, path, interpreter, ARGV(interpreter, path, tok(id)), argv);
}

int main(void) {
	begin(NULL);
	char *bare = format("#!%s", target("interpreter"));
	script("bare", bare, strlen(bare));
	char *zero = format("#!%s\377 -argument\n", here("interpreter"));
	size_t len = strlen(zero);
	*strchr(zero, '\377') = 0;
	script("zero", zero, len);
	end();
}
