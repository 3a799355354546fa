// Ends at once.
#include "tiny.h"
#include <asm/unistd.h>

void _start(void)
{
	for (;;)
		call(__NR_exit);
}
