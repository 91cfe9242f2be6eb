/*
 * A program for the NetX POP3 client, as its manual has them: the kernel is
 * entered, the application defined, and a thread fetches a maildrop and deletes
 * it.  Each message becomes a file item-N.  Nothing in here knows of Linux or
 * of evpop; whom to fetch from is defined when it is compiled.
 */
#include "tx_api.h"

#include "nx_api.h"

#include "nxd_pop3_client.h"

#define STACK_SIZE   4096
#define PAYLOAD_SIZE 1460
#define POOL_SIZE    ((PAYLOAD_SIZE + sizeof(NX_PACKET)) * PACKETS)

#ifndef PACKETS
#define PACKETS 10
#endif

TX_THREAD thread;
NX_PACKET_POOL pool;
NX_IP ip;
NX_POP3_CLIENT client;
UINT problems;

static void
tell(const char *what, UINT status)
{
	printf("%s: 0x%02X\n", what, status);
	if (status != NX_SUCCESS)
		problems++;
}

static UINT
create(void)
{
#ifdef SERVER_IPV6
	NXD_ADDRESS address;

	memset(&address, 0, sizeof(address));
	address.nxd_ip_version = NX_IP_VERSION_V6;
	address.nxd_ip_address.v6[3] = 1;
	return nxd_pop3_client_create(
	    &client, APOP, &ip, &pool, &address, SERVER_PORT, USER, PASSWORD);
#else
	return nx_pop3_client_create(&client, APOP, &ip, &pool,
	    IP_ADDRESS(127, 0, 0, 1), SERVER_PORT, USER, PASSWORD);
#endif
}

/* The message to its last packet, into a file. */
static UINT
download(UINT item)
{
	UINT status = NX_SUCCESS, final_packet = NX_FALSE;
	ULONG length, total = 0, packets = 0;
	NX_PACKET *packet;
	char name[32];
	FILE *file;

	sprintf(name, "item-%u", item);
	file = fopen(name, "wb");
	if (file == NULL)
		return NX_PTR_ERROR;
	while (status == NX_SUCCESS && final_packet == NX_FALSE) {
		status = nx_pop3_client_mail_item_message_get(
		    &client, &packet, &length, &final_packet);
		if (status != NX_SUCCESS)
			break;
		fwrite(packet->nx_packet_prepend_ptr, 1, length, file);
		total += length;
		packets++;
		nx_packet_release(packet);
	}
	fclose(file);
	printf("item %u: %lu octets in %lu packets\n", item, total, packets);
	return status;
}

static void
fetch(ULONG input)
{
	UINT items, item, status;
	ULONG size, all;

	NX_PARAMETER_NOT_USED(input);
	tx_thread_sleep(NX_IP_PERIODIC_RATE / 10);
	status = create();
	tell("create", status);
	if (status != NX_SUCCESS) {
		tell("delete", nx_pop3_client_delete(&client));
		return;
	}
	tell(
	    "mail items", nx_pop3_client_mail_items_get(&client, &items, &all));
	printf("maildrop: %u items, %lu octets\n", items, all);
	for (item = 1; item <= items; item++) {
		status = nx_pop3_client_mail_item_get(&client, item, &size);
		tell("item", status);
		printf("size: %lu\n", size);
		if (status == NX_SUCCESS)
			status = download(item);
		tell("message", status);
		if (status == NX_SUCCESS)
			tell("delete item",
			    nx_pop3_client_mail_item_delete(&client, item));
	}
	tell("quit", nx_pop3_client_quit(&client));
	tell("delete", nx_pop3_client_delete(&client));
	printf("pool: %lu of %lu packets\n", pool.nx_packet_pool_available,
	    pool.nx_packet_pool_total);
	tell("ip delete", nx_ip_delete(&ip));
	tell("pool delete", nx_packet_pool_delete(&pool));
}

void
tx_application_define(void *first_unused_memory)
{
	UCHAR *memory = (UCHAR *)first_unused_memory;

	nx_system_initialize();
	tell("thread", tx_thread_create(&thread, "fetch", fetch, 0, memory,
			   STACK_SIZE, 1, 1, TX_NO_TIME_SLICE, TX_AUTO_START));
	memory += STACK_SIZE;
	tell("pool", nx_packet_pool_create(&pool, "POP3 client packets",
			 PAYLOAD_SIZE, memory, POOL_SIZE));
	memory += POOL_SIZE;
	tell("ip",
	    nx_ip_create(&ip, "POP3 client", IP_ADDRESS(192, 0, 2, 9),
		0xFFFFFF00UL, &pool, _nx_ram_network_driver, memory, 2048, 1));
	memory += 2048;
	tell("arp", nx_arp_enable(&ip, memory, 1024));
	tell("tcp", nx_tcp_enable(&ip));
	tell("icmp", nx_icmp_enable(&ip));
}

int
main(void)
{
	tx_kernel_enter();
	printf("problems: %u\n", problems);
	return problems != 0;
}
