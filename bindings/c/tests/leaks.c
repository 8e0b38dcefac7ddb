/* Memory does not grow over a hundred thousand calls. */
#include <unistd.h>

#include "support.h"

static unsigned long resident(void)
{
    unsigned long whole, pages;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%lu %lu", &whole, &pages) == 2);
    fclose(file);
    return pages * ((unsigned long)sysconf(_SC_PAGESIZE) >> 10);
}

static void work(int times)
{
    const char *json = "{\"service\": \"web\", \"instances\": [{\"id\": \"a\", \"labels\": {\"x\": \"1\"}}]}";
    while (times-- > 0) {
        castline_fleet *fleet;
        castline_bytes *digest;
        castline_error *failure = NULL;
        OK(castline_fleet_from_json(json, strlen(json), &fleet, &error));
        OK(castline_fleet_digest(fleet, &digest, &error));
        castline_bytes_free(digest);
        castline_fleet_free(fleet);
        CHECK(castline_digest_parse("wrong", 5, &digest, &failure) == CASTLINE_INVALID_DIGEST);
        castline_error_free(failure);
        CHECK(castline_digest_parse("wrong", 5, &digest, NULL) == CASTLINE_INVALID_DIGEST);
    }
}

int main(void)
{
    unsigned long before, after;
    work(5000);
    before = resident();
    work(25000);
    after = resident();
    if (after > before + 1024) {
        fprintf(stderr, "%lu KiB more after 100000 more calls\n", after - before);
        return 1;
    }
    puts("leaks: none");
    return 0;
}
