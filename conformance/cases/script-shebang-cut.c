// Shebang lines that are longer than the 256 bytes of a file that the kernel looks
// at: where the end of the argument is beyond them it is cut, where the end of the
// interpreter's name is, the exec fails.
//
// Logged must be: the argument as the interpreter received it, which is the
// beginning of it; nothing of the exec that failed.
// Goes wrong where the monitor reads the shebang by itself, to the end of the line.
#include "lib/expect.h"

// What the kernel reads, with the byte that ends it (BINPRM_BUF_SIZE).
enum { SEEN = 256 };

static char *script;

static void try_script(void *unused) {
	(void)unused;
	execv(script, ARGV(script, tok("name")));
	if (errno != ENOEXEC) fail("the script failed with %s", strerror(errno));
}

int main(void) {
	begin(NULL);
	char *interpreter = target("interpreter");
	char line[2 * SEEN];
	memset(line, 'x', sizeof line);
	line[sizeof line - 2] = '\n';
	line[sizeof line - 1] = 0;
	int n = snprintf(line, SEEN, "#!%s -", interpreter);
	if (n > SEEN - 2) skip("the path of the scratch directory is too long");
	line[n] = 'x'; // over the end that snprintf wrote
	script = text("script-argument", line);
	char *seen = format("%.*s", SEEN - n, line + n - 1);

	char **argv = ARGV(script, tok("a"));
	struct run r = run(script, argv);
	expect("a", &r);
	scripted("a", script, interpreter, ARGV(interpreter, seen, script, tok("a")), argv);

	line[n - 2] = '/';
	script = text("script-name", line);
	argv = ARGV(interpreter, tok("b"));
	r = run_with(try_script, NULL, interpreter, argv, environ);
	expect("b", &r);
	native("b", interpreter, hash(interpreter), argv);
	never("name", r.pid, tok("name"));
	end();
}
