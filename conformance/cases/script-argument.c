// A shebang with arguments, which the kernel passes as one, without the blanks at
// its ends.
//
// Logged must be: that single argument between the interpreter and the script.
// Goes wrong where argv is taken from the caller, who passed neither.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *interpreter = target("interpreter");
	char *script = text("script", format("#! \t%s \t -a  'b c'\t-d \t \n%s\n", interpreter, tok("a")));

	char **argv = ARGV("forged", tok("a"), "");
	struct run r = run(script, argv);
	expect("a", &r);
	// argv[0] of the caller is lost: the script's path takes its place.
	scripted("a", script, interpreter, ARGV(interpreter, "-a  'b c'\t-d", script, tok("a"), ""), argv);
	has("a", "filename", script);
	end();
}
