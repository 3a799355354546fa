// A script whose first line ends as on Windows, so that its interpreter's name has
// a carriage return at its end; there is none of that name, and then there is.
//
// Logged must be: nothing of the exec that failed; then, of the one that did not,
// the interpreter with its odd name.
// Goes wrong where the shebang is read and trimmed by the monitor.
#include "lib/expect.h"

static char *script;

static void try_script(void *unused) {
	(void)unused;
	execv(script, ARGV(script, tok("crlf")));
	if (errno != ENOENT) fail("the script failed with %s", strerror(errno));
}

int main(void) {
	begin(NULL);
	char *plain = target("interpreter");
	script = text("script", format("#!%s\r\n%s\r\n", plain, tok("b")));

	char **argv = ARGV(plain, tok("a"));
	struct run r = run_with(try_script, NULL, plain, argv, environ);
	expect("a", &r);
	native("a", plain, hash(plain), argv);
	never("crlf", r.pid, tok("crlf"));

	char *odd = target("interpreter\r");
	argv = ARGV(script, tok("b"));
	r = run(script, argv);
	expect("b", &r);
	scripted("b", script, odd, ARGV(odd, script, tok("b")), argv);
	end();
}
