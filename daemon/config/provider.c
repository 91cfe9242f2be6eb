#include "daemon/config/provider.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <evpop/auth.h>
#include <evpop/client.h>

#define APP_PASSWORD  CONFIG_PROVIDER_APP_PASSWORD
#define NO_PASSWORD   CONFIG_PROVIDER_NO_PASSWORD
#define NO_POP3       CONFIG_PROVIDER_NO_POP3
#define POP3_IS_OFF   CONFIG_PROVIDER_POP3_IS_OFF
#define OAUTH2_CLOSED CONFIG_PROVIDER_OAUTH2_CLOSED
#define XOAUTH2       EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_XOAUTH2)
#define OAUTHBEARER   EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_OAUTHBEARER)

#define SERVER(name) \
	.host = name, .port = EVPOP_PORT_TLS, .tls = EVPOP_TLS_IMPLICIT
#define ENTRA "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/"
#define MICROSOFT                                                             \
	.token_url = ENTRA "token", .device_url = ENTRA "devicecode",         \
	.authorization_url = ENTRA "authorize",                               \
	.scope =                                                              \
	    "https://outlook.office.com/POP.AccessAsUser.All offline_access", \
	.register_url = "https://entra.microsoft.com/"

/*
 * Google's device flow gives no access to mail, so that Gmail has no
 * device_url.
 */
const struct config_provider config_providers[] = {
	{ .name = "126",
	    .title = "126.com",
	    SERVER("pop.126.com"),
	    .flags = APP_PASSWORD | POP3_IS_OFF,
	    .domains = "126.com",
	    .pop3_url = "https://mail.126.com/",
	    .advice =
		"Turn on POP3 in the settings of the mailbox; the page "
		"shows an authorization code, which is the password here." },
	{ .name = "163",
	    .title = "163.com",
	    SERVER("pop.163.com"),
	    .flags = APP_PASSWORD | POP3_IS_OFF,
	    .domains = "163.com",
	    .exchangers = "netease.com",
	    .pop3_url = "https://mail.163.com/",
	    .advice =
		"Turn on POP3 in the settings of the mailbox; the page "
		"shows an authorization code, which is the password here." },
	{ .name = "aol",
	    .title = "AOL Mail",
	    SERVER("pop.aol.com"),
	    .flags = APP_PASSWORD | OAUTH2_CLOSED,
	    .domains = "aol.com aol.de aol.co.uk aol.fr aim.com love.com "
		       "games.com wow.com ygm.com",
	    .exchangers = "mx-aol.mail.gm0.yahoodns.net",
	    .password_url = "https://login.aol.com/account/security",
	    .advice = "AOL takes an application password only: make one under "
		      "Account security, and use it as the password." },
	{ .name = "att",
	    .title = "AT&T Mail",
	    SERVER("inbound.att.net"),
	    .flags = APP_PASSWORD,
	    .domains = "att.net sbcglobal.net bellsouth.net ameritech.net "
		       "pacbell.net swbell.net prodigy.net snet.net flash.net "
		       "nvbell.net wans.net",
	    .exchangers = "prodigy.net",
	    .password_url = "https://www.att.com/acctmgmt/profile",
	    .advice = "AT&T takes a secure mail key instead of the password: "
		      "make one in the profile of the account." },
	{ .name = "bluewin",
	    .title = "Bluewin (Swisscom)",
	    SERVER("pop3s.bluewin.ch"),
	    .domains = "bluewin.ch",
	    .exchangers = "bluewin.ch" },
	{ .name = "btinternet",
	    .title = "BT Email",
	    SERVER("mail.btinternet.com"),
	    .domains = "btinternet.com btopenworld.com talk21.com",
	    .exchangers = "btinternet.com" },
	{ .name = "comcast",
	    .title = "Xfinity (Comcast)",
	    SERVER("pop.comcast.net"),
	    .flags = POP3_IS_OFF,
	    .domains = "comcast.net",
	    .exchangers = "comcast.net",
	    .pop3_url = "https://connect.xfinity.com/appsuite/",
	    .advice = "Allow access by other programs in the security settings "
		      "of Xfinity Connect.  Comcast moves mailboxes to Yahoo!; "
		      "one that was moved wants provider = yahoo." },
	{ .name = "daum",
	    .title = "Daum Mail",
	    SERVER("pop.daum.net"),
	    .flags = APP_PASSWORD | POP3_IS_OFF,
	    .domains = "daum.net hanmail.net",
	    .exchangers = "daum.net hanmail.net",
	    .advice =
		"Turn on POP3 in the settings of the mailbox, and make an "
		"application password." },
	{ .name = "fastmail",
	    .title = "Fastmail",
	    SERVER("pop.fastmail.com"),
	    .flags = APP_PASSWORD | OAUTH2_CLOSED,
	    .domains =
		"fastmail.com fastmail.fm fastmail.net fastmail.org "
		"fastmail.to fastmail.us fastmail.co.uk fastmail.de "
		"fastmail.jp fastmail.in fastmail.im messagingengine.com "
		"sent.com",
	    .exchangers = "messagingengine.com",
	    .password_url =
		"https://app.fastmail.com/settings/security/integrations",
	    .advice =
		"Fastmail takes an application password only: make one "
		"under Settings, Privacy & Security, with access to POP.  "
		"The cheapest plans have none." },
	{ .name = "free.fr",
	    .title = "Free",
	    SERVER("pop.free.fr"),
	    .domains = "free.fr",
	    .exchangers = "free.fr" },
	{ .name = "freenet",
	    .title = "freenet Mail",
	    SERVER("mx.freenet.de"),
	    .domains = "freenet.de",
	    .exchangers = "freenet.de" },
	{ .name = "gandi",
	    .title = "Gandi",
	    SERVER("mail.gandi.net"),
	    .exchangers = "mail.gandi.net" },
	{ .name = "gmail",
	    .title = "Gmail",
	    SERVER("pop.gmail.com"),
	    .flags = APP_PASSWORD | POP3_IS_OFF,
	    .token_mechanisms = XOAUTH2 | OAUTHBEARER,
	    .domains = "gmail.com googlemail.com",
	    .exchangers = "google.com googlemail.com",
	    .oauth2 = { .token_url = "https://oauth2.googleapis.com/token",
		.authorization_url =
		    "https://accounts.google.com/o/oauth2/v2/auth",
		.scope = "https://mail.google.com/",
		.register_url =
		    "https://console.cloud.google.com/apis/credentials" },
	    .pop3_url = "https://mail.google.com/mail/u/0/#settings/fwdandpop",
	    .password_url = "https://myaccount.google.com/apppasswords",
	    .advice =
		"Turn on POP in Gmail's settings, under Forwarding and "
		"POP/IMAP.  Gmail takes no ordinary password: with 2-Step "
		"Verification make an application password, or use OAuth 2 "
		"with a client id of your own." },
	{ .name = "gmx",
	    .title = "GMX",
	    SERVER("pop.gmx.net"),
	    .flags = POP3_IS_OFF,
	    .domains = "gmx.de gmx.net gmx.at gmx.ch gmx.org gmx.info gmx.biz "
		       "gmx.eu",
	    .exchangers = "gmx.net",
	    .pop3_url = "https://www.gmx.net/mail/",
	    .advice = "Turn on POP3 in the settings of the mailbox, under "
		      "POP3/IMAP.  With two-factor authentication make an "
		      "application password." },
	{ .name = "gmx.com",
	    .title = "GMX (international)",
	    SERVER("pop.gmx.com"),
	    .flags = POP3_IS_OFF,
	    .domains = "gmx.com gmx.us gmx.co.uk gmx.fr gmx.es gmx.it gmx.ca",
	    .exchangers = "gmx.com",
	    .pop3_url = "https://www.gmx.com/mail/",
	    .advice = "Turn on POP3 in the settings of the mailbox, under "
		      "POP3/IMAP.  With two-factor authentication make an "
		      "application password." },
	{ .name = "godaddy",
	    .title = "GoDaddy Workspace",
	    SERVER("pop.secureserver.net"),
	    .exchangers = "secureserver.net" },
	{ .name = "hostinger",
	    .title = "Hostinger",
	    SERVER("pop.hostinger.com"),
	    .exchangers = "hostinger.com" },
	{ .name = "icloud",
	    .title = "iCloud Mail",
	    .flags = NO_POP3,
	    .domains = "icloud.com me.com mac.com",
	    .exchangers = "mail.icloud.com",
	    .advice = "iCloud Mail has no POP3, only IMAP.  Let it forward the "
		      "mail to a mailbox that has." },
	{ .name = "ionos",
	    .title = "IONOS (Germany)",
	    SERVER("pop.ionos.de"),
	    .domains = "online.de onlinehome.de",
	    .exchangers = "kundenserver.de ionos.de" },
	{ .name = "ionos.com",
	    .title = "IONOS",
	    SERVER("pop.ionos.com"),
	    .exchangers = "ionos.com perfora.net" },
	{ .name = "kpn",
	    .title = "KPN",
	    SERVER("pop.kpnmail.nl"),
	    .domains = "kpnmail.nl kpnplanet.nl planet.nl hetnet.nl",
	    .exchangers = "kpnmail.nl" },
	{ .name = "laposte",
	    .title = "La Poste",
	    SERVER("pop.laposte.net"),
	    .domains = "laposte.net",
	    .exchangers = "laposte.net" },
	{ .name = "libero",
	    .title = "Libero",
	    SERVER("popmail.libero.it"),
	    .flags = APP_PASSWORD,
	    .domains = "libero.it iol.it inwind.it blu.it giallo.it",
	    .exchangers = "libero.it",
	    .advice = "Libero takes an application password: make one in the "
		      "settings of the account." },
	{ .name = "mail.ru",
	    .title = "Mail.ru",
	    SERVER("pop.mail.ru"),
	    .flags = APP_PASSWORD | POP3_IS_OFF | OAUTH2_CLOSED,
	    .domains = "mail.ru inbox.ru list.ru bk.ru internet.ru xmail.ru",
	    .exchangers = "mail.ru",
	    .pop3_url = "https://e.mail.ru/settings/security",
	    .password_url =
		"https://account.mail.ru/user/2-step-auth/passwords/",
	    .advice =
		"Mail.ru takes a password for external applications only: "
		"make one under Security, with access to POP." },
	{ .name = "mailbox.org",
	    .title = "mailbox.org",
	    SERVER("pop3.mailbox.org"),
	    .domains = "mailbox.org",
	    .exchangers = "mailbox.org",
	    .advice = "With two-factor authentication make an application "
		      "password." },
	{ .name = "migadu",
	    .title = "Migadu",
	    SERVER("pop.migadu.com"),
	    .exchangers = "migadu.com" },
	{ .name = "naver",
	    .title = "Naver Mail",
	    SERVER("pop.naver.com"),
	    .flags = APP_PASSWORD | POP3_IS_OFF,
	    .domains = "naver.com",
	    .exchangers = "naver.com",
	    .pop3_url = "https://mail.naver.com/",
	    .advice =
		"Turn on POP3 in the settings of the mailbox; with 2-step "
		"verification make an application password." },
	{ .name = "office365",
	    .title = "Microsoft 365 (Exchange Online)",
	    SERVER("outlook.office365.com"),
	    .flags = NO_PASSWORD,
	    .token_mechanisms = XOAUTH2,
	    .domains = "onmicrosoft.com",
	    .exchangers = "mail.protection.outlook.com mx.microsoft",
	    .oauth2 = { MICROSOFT,
		.app_scope = "https://outlook.office365.com/.default",
		.tenant = "organizations" },
	    .advice =
		"Exchange Online takes no passwords for POP3, only OAuth 2 "
		"with a client id that is registered with Microsoft Entra. "
		" An administrator may have turned POP off for the "
		"mailbox: Set-CASMailbox -PopEnabled $true turns it on." },
	{ .name = "orange",
	    .title = "Orange",
	    SERVER("pop.orange.fr"),
	    .flags = POP3_IS_OFF,
	    .domains = "orange.fr wanadoo.fr",
	    .exchangers = "orange.fr",
	    .advice = "Allow POP in the settings of Orange Mail." },
	{ .name = "outlook",
	    .title = "Outlook.com",
	    SERVER("outlook.office365.com"),
	    .flags = NO_PASSWORD | POP3_IS_OFF,
	    .token_mechanisms = XOAUTH2,
	    .domains = "outlook.com hotmail.com live.com msn.com outlook.de "
		       "hotmail.de live.de outlook.fr hotmail.fr live.fr "
		       "outlook.it hotmail.it live.it outlook.es hotmail.es "
		       "outlook.jp hotmail.co.uk live.co.uk live.nl hotmail.nl "
		       "outlook.at outlook.com.br outlook.com.au live.ca "
		       "hotmail.ca passport.com windowslive.com",
	    .exchangers = "olc.protection.outlook.com",
	    .oauth2 = { MICROSOFT, .tenant = "consumers" },
	    .pop3_url =
		"https://outlook.live.com/mail/0/options/mail/forwarding",
	    .advice =
		"Outlook.com takes no passwords for POP3, only OAuth 2 "
		"with a client id that is registered with Microsoft Entra "
		"for personal accounts.  Turn on POP in the settings, "
		"under Mail, Forwarding and IMAP." },
	{ .name = "ovh",
	    .title = "OVHcloud",
	    SERVER("ssl0.ovh.net"),
	    .exchangers = "mail.ovh.net" },
	{ .name = "posteo",
	    .title = "Posteo",
	    SERVER("posteo.de"),
	    .domains = "posteo.de posteo.net posteo.eu posteo.org",
	    .exchangers = "posteo.de" },
	{ .name = "privateemail",
	    .title = "Namecheap Private Email",
	    SERVER("mail.privateemail.com"),
	    .exchangers = "privateemail.com" },
	{ .name = "proton",
	    .title = "Proton Mail",
	    .flags = NO_POP3,
	    .domains = "proton.me protonmail.com protonmail.ch pm.me",
	    .exchangers = "protonmail.ch",
	    .advice =
		"Proton Mail has no POP3; its Bridge speaks IMAP and SMTP "
		"only." },
	{ .name = "qq",
	    .title = "QQ Mail",
	    SERVER("pop.qq.com"),
	    .flags = APP_PASSWORD | POP3_IS_OFF,
	    .domains = "qq.com foxmail.com vip.qq.com",
	    .exchangers = "qq.com",
	    .pop3_url = "https://mail.qq.com/",
	    .advice =
		"Turn on POP3 in the settings of the account; the page "
		"shows an authorization code, which is the password here." },
	{ .name = "rackspace",
	    .title = "Rackspace Email",
	    SERVER("secure.emailsrvr.com"),
	    .exchangers = "emailsrvr.com" },
	{ .name = "runbox",
	    .title = "Runbox",
	    SERVER("mail.runbox.com"),
	    .domains = "runbox.com",
	    .exchangers = "runbox.com" },
	{ .name = "seznam",
	    .title = "Seznam Email",
	    SERVER("pop3.seznam.cz"),
	    .flags = POP3_IS_OFF,
	    .domains = "seznam.cz email.cz post.cz",
	    .exchangers = "seznam.cz",
	    .advice = "Turn on POP3 in the settings of the mailbox." },
	{ .name = "sfr",
	    .title = "SFR",
	    SERVER("pop.sfr.fr"),
	    .domains = "sfr.fr neuf.fr cegetel.net club-internet.fr",
	    .exchangers = "sfr.fr" },
	{ .name = "strato",
	    .title = "STRATO",
	    SERVER("pop3.strato.de"),
	    .exchangers = "rzone.de" },
	{ .name = "t-online",
	    .title = "T-Online",
	    SERVER("securepop.t-online.de"),
	    .flags = APP_PASSWORD,
	    .domains = "t-online.de magenta.de",
	    .exchangers = "t-online.de",
	    .password_url = "https://account.idm.telekom.com/",
	    .advice =
		"T-Online takes a password for mail programs, not that of "
		"the Telekom log-in: set one in the customer centre." },
	{ .name = "tuta",
	    .title = "Tuta",
	    .flags = NO_POP3,
	    .domains = "tuta.com tuta.io tutanota.com tutanota.de tutamail.com "
		       "keemail.me",
	    .exchangers = "tutanota.de",
	    .advice = "Tuta has neither POP3 nor IMAP." },
	{ .name = "virginmedia",
	    .title = "Virgin Media",
	    SERVER("pop3.virginmedia.com"),
	    .flags = APP_PASSWORD,
	    .domains =
		"virginmedia.com blueyonder.co.uk ntlworld.com virgin.net",
	    .exchangers = "virginmedia.com",
	    .advice = "Virgin Media takes an application password: make one in "
		      "the settings of the mailbox." },
	{ .name = "web.de",
	    .title = "WEB.DE",
	    SERVER("pop3.web.de"),
	    .flags = POP3_IS_OFF,
	    .domains = "web.de email.de",
	    .exchangers = "web.de",
	    .pop3_url = "https://web.de/",
	    .advice = "Turn on POP3 in the settings of the mailbox, under "
		      "POP3/IMAP.  With two-factor authentication make an "
		      "application password." },
	{ .name = "wp",
	    .title = "WP Poczta",
	    SERVER("pop3.wp.pl"),
	    .flags = POP3_IS_OFF,
	    .domains = "wp.pl",
	    .exchangers = "wp.pl",
	    .advice = "Turn on POP3 in the settings of the mailbox." },
	{ .name = "yahoo",
	    .title = "Yahoo! Mail",
	    SERVER("pop.mail.yahoo.com"),
	    .flags = APP_PASSWORD | OAUTH2_CLOSED,
	    .domains =
		"yahoo.com yahoo.co.uk yahoo.de yahoo.fr yahoo.it yahoo.es "
		"yahoo.ca yahoo.in yahoo.co.in yahoo.com.br yahoo.com.au "
		"yahoo.com.mx yahoo.com.ar yahoo.com.sg yahoo.com.ph "
		"yahoo.co.id yahoo.ie yahoo.gr yahoo.pl yahoo.ro yahoo.se "
		"ymail.com rocketmail.com myyahoo.com",
	    .exchangers = "yahoodns.net",
	    .password_url = "https://login.yahoo.com/account/security",
	    .advice =
		"Yahoo! takes an application password only: make one under "
		"Account security, and use it as the password." },
	{ .name = "yandex",
	    .title = "Yandex Mail",
	    SERVER("pop.yandex.com"),
	    .flags = APP_PASSWORD | POP3_IS_OFF | OAUTH2_CLOSED,
	    .domains =
		"yandex.ru yandex.com ya.ru yandex.by yandex.kz yandex.ua "
		"yandex.com.tr narod.ru",
	    .exchangers = "yandex.ru yandex.net",
	    .pop3_url = "https://mail.yandex.com/#setup/client",
	    .password_url = "https://id.yandex.com/security/app-passwords",
	    .advice =
		"Turn on POP3 in the settings of the mailbox, under Email "
		"clients, and make an application password." },
	{ .name = "ziggo",
	    .title = "Ziggo",
	    SERVER("pop.ziggo.nl"),
	    .domains = "ziggo.nl casema.nl home.nl chello.nl upcmail.nl "
		       "quicknet.nl",
	    .exchangers = "ziggo.nl" },
	{ .name = "zoho",
	    .title = "Zoho Mail",
	    SERVER("pop.zoho.com"),
	    .flags = POP3_IS_OFF,
	    .domains = "zoho.com zohomail.com",
	    .exchangers = "zoho.com",
	    .pop3_url = "https://mail.zoho.com/zm/#settings",
	    .advice =
		"Turn on POP in the settings of the mailbox; free plans "
		"have none.  The mailbox of an organization wants host = "
		"poppro.zoho.com.  With two-factor authentication make an "
		"application password." },
	{ .name = "zoho.eu",
	    .title = "Zoho Mail (Europe)",
	    SERVER("pop.zoho.eu"),
	    .flags = POP3_IS_OFF,
	    .domains = "zohomail.eu zoho.eu",
	    .exchangers = "zoho.eu",
	    .pop3_url = "https://mail.zoho.eu/zm/#settings",
	    .advice = "Turn on POP in the settings of the mailbox; free plans "
		      "have none.  The mailbox of an organization wants host = "
		      "poppro.zoho.eu.  With two-factor authentication make an "
		      "application password." },
};
const size_t config_provider_count =
    sizeof(config_providers) / sizeof(config_providers[0]);

const struct config_provider *
config_provider_find(const char *name)
{
	for (size_t i = 0; i < config_provider_count; i++)
		if (strcmp(config_providers[i].name, name) == 0)
			return &config_providers[i];
	return NULL;
}

/* Whether a word of the list is the text. */
static bool
provider_lists(const char *words, const char *text)
{
	const size_t length = strlen(text);

	while (words != NULL && *words != '\0') {
		const size_t word = strcspn(words, " ");

		if (word == length && strncasecmp(words, text, word) == 0)
			return true;
		words += word + strspn(words + word, " ");
	}
	return false;
}

const struct config_provider *
config_provider_of_domain(const char *domain)
{
	for (size_t i = 0; i < config_provider_count; i++)
		if (provider_lists(config_providers[i].domains, domain))
			return &config_providers[i];
	return NULL;
}

const struct config_provider *
config_provider_of_exchanger(const char *host)
{
	/* The longest end is the first that is found. */
	while (host != NULL && *host != '\0') {
		for (size_t i = 0; i < config_provider_count; i++)
			if (provider_lists(
				config_providers[i].exchangers, host))
				return &config_providers[i];
		host = strchr(host, '.');
		if (host != NULL)
			host++;
	}
	return NULL;
}

/* In the words of Gmail, Yahoo!, AOL, Yandex, mail.ru, GMX, Exchange, Zoho. */
static const struct {
	const char *words;
	enum config_refusal refusal;
} refusal_words[] = {
	{ "application-specific password", CONFIG_REFUSAL_APP_PASSWORD },
	{ "application password", CONFIG_REFUSAL_APP_PASSWORD },
	{ "app password", CONFIG_REFUSAL_APP_PASSWORD },
	{ "app-specific password", CONFIG_REFUSAL_APP_PASSWORD },
	{ "parol prilozheniya", CONFIG_REFUSAL_APP_PASSWORD },
	{ "authorization code", CONFIG_REFUSAL_APP_PASSWORD },
	{ "not enabled for pop", CONFIG_REFUSAL_POP3_OFF },
	{ "pop3 disabled", CONFIG_REFUSAL_POP3_OFF },
	{ "pop3 is disabled", CONFIG_REFUSAL_POP3_OFF },
	{ "pop access is disabled", CONFIG_REFUSAL_POP3_OFF },
	{ "pop3 access is disabled", CONFIG_REFUSAL_POP3_OFF },
	{ "pop3 access disabled", CONFIG_REFUSAL_POP3_OFF },
	{ "pop3 is not enabled", CONFIG_REFUSAL_POP3_OFF },
	{ "pop3 not enabled", CONFIG_REFUSAL_POP3_OFF },
	{ "pop is not enabled", CONFIG_REFUSAL_POP3_OFF },
	{ "pop is disabled", CONFIG_REFUSAL_POP3_OFF },
	{ "protocol disabled", CONFIG_REFUSAL_POP3_OFF },
	{ "protocol is disabled", CONFIG_REFUSAL_POP3_OFF },
	{ "enable pop", CONFIG_REFUSAL_POP3_OFF },
	{ "web login required", CONFIG_REFUSAL_BROWSER },
	{ "log in via your web browser", CONFIG_REFUSAL_BROWSER },
	{ "via your web browser", CONFIG_REFUSAL_BROWSER },
};

enum config_refusal
config_refusal_of(const char *words)
{
	for (size_t i = 0; i < sizeof(refusal_words) / sizeof(refusal_words[0]);
	     i++)
		if (strcasestr(words, refusal_words[i].words) != NULL)
			return refusal_words[i].refusal;
	return CONFIG_REFUSAL_CREDENTIALS;
}
