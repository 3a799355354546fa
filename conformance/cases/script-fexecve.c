// A script executed by its descriptor, and relative to a folder's descriptor.
//
// Logged must be: the script's own path, and /dev/fd/N in argv, which is what the
// kernel gives the interpreter to find it.
// Goes wrong where /dev/fd/N, which means nothing a moment later, is all there is.
#include "lib/expect.h"

static int at;

static void by_descriptor(void *argv) {
	syscall(SYS_execveat, at, "", argv, environ, AT_EMPTY_PATH);
}
static void by_folder(void *argv) {
	syscall(SYS_execveat, at, "script", argv, environ, 0);
}

int main(void) {
	begin(NULL);
	char *interpreter = target("interpreter");
	MUST(mkdir("folder", 0755));
	char *script = text(here("folder/script"), format("#!%s\n%s\n", interpreter, tok("a")));

	char **argv = ARGV("any", tok("a"));
	at = MUST(open(script, O_RDONLY));
	struct run r = run_with(by_descriptor, argv, "", ARGV(""), environ);
	expect("a", &r);
	scripted("a", script, interpreter, ARGV(interpreter, format("/dev/fd/%d", at), tok("a")), argv);
	close(at);

	argv = ARGV("any", tok("b"));
	at = MUST(open("folder", O_RDONLY | O_DIRECTORY));
	r = run_with(by_folder, argv, "", ARGV(""), environ);
	expect("b", &r);
	scripted("b", script, interpreter, ARGV(interpreter, format("/dev/fd/%d/script", at), tok("b")), argv);
	end();
}
