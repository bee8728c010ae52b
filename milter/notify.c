/*
 * Datagrams of "NAME=value" lines, made by libsystemd.
 */
#include "config.h"

#include "milter/notify.h"

#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>

#include "engine/clock.h"

void notify_ready(const char *status)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void notify_reloading(void)
{
	/* The time is what "Type=notify-reload" of later versions of systemd wants. */
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reading the configuration again", (long long)clock_monotonic_ms() * 1000);
}

void notify_stopping(const char *status)
{
	(void)sd_notifyf(0, "STOPPING=1\nSTATUS=%s", status);
}

void notify_failed(const char *why, int exit_status)
{
	(void)sd_notifyf(0, "STATUS=%s\nEXIT_STATUS=%d", why, exit_status);
}

void notify_alive(const char *status)
{
	(void)sd_notifyf(0, "WATCHDOG=1\nSTATUS=%s", status);
}

int64_t notify_alive_within_ms(void)
{
	uint64_t us = 0;

	/* Errors are those of a malformed variable: nothing we could keep to. */
	return sd_watchdog_enabled(0, &us) > 0 ? (int64_t)(us / 1000) : 0;
}

#else

void notify_ready(const char *status)
{
	(void)status;
}

void notify_reloading(void)
{
}

void notify_stopping(const char *status)
{
	(void)status;
}

void notify_failed(const char *why, int exit_status)
{
	(void)why;
	(void)exit_status;
}

void notify_alive(const char *status)
{
	(void)status;
}

int64_t notify_alive_within_ms(void)
{
	return 0;
}
#endif
