/*
 * The URL of a proxy as a text in a file: whether the library will take it, and
 * whether it gives a password away.
 */
#ifndef CONFIG_PROXY_H
#define CONFIG_PROXY_H

#include <stdbool.h>

/* "socks5://[user[:password]@]host[:port]", or with socks5h or http. */
bool config_proxy_good(const char *url);

/* Good or not: what may be a password stands before an @. */
bool config_proxy_tells_secret(const char *url);

#endif
