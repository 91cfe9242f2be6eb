/* A stranger's program for the NetX POP3 client, by its CMake component. */
#include <nx_api.h>
#include <nxd_pop3_client.h>
#include <stdio.h>
#include <tx_api.h>

int
main(void)
{
	static NX_POP3_CLIENT client;

	if (nx_pop3_client_quit(&client) != NX_NOT_CONNECTED)
		return 1;
	puts("consumer: all as promised");
	return 0;
}
