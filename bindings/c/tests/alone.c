/* The header needs nothing before it, and may be there twice. In every standard of C and C++. */
#include "castline.h"
#include "castline.h"

static int goes_on(const castline_progress *progress, void *context)
{
    return progress->bytes > progress->total_bytes && context == NULL;
}

int main(void)
{
    castline_on_progress on_progress = goes_on;
    castline_instance instance = {NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, CASTLINE_PHASE_RUNNING, 0, 0, 0};
    castline_status status = CASTLINE_OK;
    return status == CASTLINE_OK && on_progress != NULL && instance.id == NULL ? 0 : 1;
}
