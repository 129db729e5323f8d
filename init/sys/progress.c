#include "init/sys/progress.h"

#include <stdio.h>
#include <string.h>

#include "init/sys/clock.h"
#include "init/sys/log.h"

#define LINE_EVERY_NS (10 * CLOCK_S)
#define BAR_EVERY_NS (CLOCK_S / 10)
#define BAR_WIDTH 24

struct progress progress_start(const char *what, uint64_t total, enum progress_unit unit)
{
    int64_t now = clock_now_ns();
    return (struct progress){
        .what = what, .total = total, .unit = unit, .started_ns = now, .told_ns = now};
}

static void format_amount(enum progress_unit unit, double amount, char text[static 32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t step = 0;
    if (unit == PROGRESS_ITEMS) {
        (void)snprintf(text, 32, "%.0f", amount);
        return;
    }
    while (amount >= 1024 && step + 1 < sizeof units / sizeof units[0]) {
        amount /= 1024;
        step++;
    }
    (void)snprintf(text, 32, step == 0 ? "%.0f %s" : "%.1f %s", amount, units[step]);
}

void progress_sentence(const struct progress *progress, uint64_t done, int64_t now_ns,
                       char text[static 256])
{
    char now_text[32], total_text[32], rate_text[32], share[48] = "", left[40] = "";
    double seconds = (double)(now_ns - progress->started_ns) / (double)CLOCK_S;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    format_amount(progress->unit, (double)done, now_text);
    format_amount(progress->unit, rate, rate_text);
    if (progress->total > 0) {
        uint64_t part = done < progress->total ? done : progress->total;
        format_amount(progress->unit, (double)progress->total, total_text);
        (void)snprintf(share, sizeof share, " of %s (%d%%)", total_text,
                       (int)((double)part * 100 / (double)progress->total));
        double left_s = rate > 0 ? (double)(progress->total - part) / rate : 0;
        if (left_s >= 60 && left_s < 1e7) {
            (void)snprintf(left, sizeof left, ", %d min %d s left", (int)left_s / 60,
                           (int)left_s % 60);
        } else if (left_s >= 1 && left_s < 60) {
            (void)snprintf(left, sizeof left, ", %d s left", (int)left_s);
        }
    }
    (void)snprintf(text, 256, "%.90s: %s%s, %s/s%s", progress->what, now_text, share, rate_text,
                   left);
}

void progress_update(struct progress *progress, uint64_t done)
{
    int64_t now = clock_now_ns();
    bool bar = log_on_terminal();
    if (now - progress->told_ns < (bar ? BAR_EVERY_NS : LINE_EVERY_NS))
        return;
    char sentence[256];
    progress->told_ns = now;
    progress_sentence(progress, done, now, sentence);
    if (!bar) {
        log_info("%s", sentence);
        return;
    }
    char text[sizeof sentence + BAR_WIDTH + 8];
    if (progress->total > 0) {
        uint64_t part = done < progress->total ? done : progress->total;
        int filled = (int)((double)part * BAR_WIDTH / (double)progress->total);
        char marks[BAR_WIDTH + 1];
        memset(marks, '.', BAR_WIDTH);
        memset(marks, '#', (size_t)filled);
        marks[BAR_WIDTH] = '\0';
        (void)snprintf(text, sizeof text, "[%s] %s", marks, sentence);
        log_status_line(text);
    } else {
        log_status_line(sentence);
    }
}

void progress_end(void)
{
    log_status_line("");
}
