/*
 * The parts of the report page that are the same in each: lines of HTML, CSS
 * and JavaScript, NULL at the end.
 */
#ifndef STIR_CTL_REPORT_PAGE_H
#define STIR_CTL_REPORT_PAGE_H

#include <stddef.h>

extern const char *const report_page_body[];
extern const char *const report_style[];
extern const char *const report_script[];

#endif
