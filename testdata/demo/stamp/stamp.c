#include <stdio.h>

#ifndef STAMP
#define STAMP "an unrecorded time"
#endif

int main(void)
{
	puts("built at " STAMP);
	return 0;
}
