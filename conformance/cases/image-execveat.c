// A program executed by execveat: by its descriptor alone (AT_EMPTY_PATH), and by a
// name in a folder's descriptor, with links refused (AT_SYMLINK_NOFOLLOW).
//
// Logged must be: the file's own path, both times.
// Goes wrong where execve is the only call that is known, or where the call's
// string is taken for the path: it is empty, or means another file here.
#include "lib/expect.h"

static int at;

static void by_descriptor(void *argv) {
	syscall(SYS_execveat, at, "", argv, environ, AT_EMPTY_PATH);
}
static void by_folder(void *argv) {
	// Refused: the name is a link.
	syscall(SYS_execveat, at, "link", ARGV("link", tok("link")), environ, AT_SYMLINK_NOFOLLOW);
	if (errno != ELOOP) fail("the link was refused with %s", strerror(errno));
	syscall(SYS_execveat, at, "program", argv, environ, AT_SYMLINK_NOFOLLOW);
}

int main(void) {
	begin(NULL);
	target("program"); // has the same name, and is not meant
	MUST(mkdir("folder", 0755));
	char *program = target("folder/program"), *sum = hash(program);
	MUST(symlink("program", "folder/link"));

	char **argv = ARGV("any", tok("a"));
	at = MUST(open(program, O_RDONLY | O_CLOEXEC));
	struct run r = run_with(by_descriptor, argv, "", ARGV(""), environ);
	expect("a", &r);
	native("a", program, sum, argv);
	has("a", "image.file", identity(program));
	close(at);

	argv = ARGV("any", tok("b"));
	at = MUST(open("folder", O_PATH | O_DIRECTORY | O_CLOEXEC));
	r = run_with(by_folder, argv, "", ARGV(""), environ);
	expect("b", &r);
	native("b", program, sum, argv);
	has("b", "image.file", identity(program));
	never("link", r.pid, tok("link"));
	end();
}
