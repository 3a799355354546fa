// Waits until it is killed: for none of no descriptors, without end.
#include "tiny.h"
#include <asm/unistd.h>

void _start(void)
{
	for (;;)
		call(__NR_ppoll);
}
