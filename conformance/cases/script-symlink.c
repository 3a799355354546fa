// A script executed through a symbolic link, whose interpreter is named through
// another.
//
// Logged must be: the files the links lead to, as script and image; the strings as
// they were written, in argv and as what was passed.
// Goes wrong where the passed string is logged as the script's path: nobody can
// tell months later where the link led.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *interpreter = target("interpreter");
	MUST(symlink("interpreter", "link-to-interpreter"));
	text("script", format("#!%s\n%s\n", here("link-to-interpreter"), tok("a")));
	MUST(symlink("script", "link-to-script"));

	char **argv = ARGV("./link-to-script", tok("a"));
	struct run r = run("./link-to-script", argv);
	expect("a", &r);
	scripted("a", here("script"), interpreter,
	         ARGV(here("link-to-interpreter"), "./link-to-script", tok("a")), argv);
	has("a", "filename", "./link-to-script");
	end();
}
