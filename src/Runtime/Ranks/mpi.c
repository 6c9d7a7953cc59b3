/* What ModNet needs of MPI, with plain C types: constants and handles differ between MPI libraries, so this is compiled with the one that is there. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

static MPI_Comm host;

/* Open MPI's plugins look for the library's symbols among those of the whole process. */
static void make_global(void)
{
    Dl_info info;
    if (dladdr((void *)MPI_Init_thread, &info) && info.dli_fname)
        dlopen(info.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
}

int modnet_mpi_begin(int *rank, int *count, int *host_rank, int *host_count)
{
    int given, code;
    make_global();
    /* A rank that waits lets others run that share its core. */
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
    code = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &given);
    if (code == MPI_SUCCESS && given < MPI_THREAD_SERIALIZED)
        return -1;
    if (code == MPI_SUCCESS) code = MPI_Comm_rank(MPI_COMM_WORLD, rank);
    if (code == MPI_SUCCESS) code = MPI_Comm_size(MPI_COMM_WORLD, count);
    if (code == MPI_SUCCESS) code = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, *rank, MPI_INFO_NULL, &host);
    if (code == MPI_SUCCESS) code = MPI_Comm_rank(host, host_rank);
    if (code == MPI_SUCCESS) code = MPI_Comm_size(host, host_count);
    return code;
}

static void places(const int *counts, int n, int *starts)
{
    for (int r = 0, start = 0; r < n; start += counts[r++])
        starts[r] = start;
}

int modnet_mpi_exchange(const void *out, const int *out_counts, void *in, const int *in_counts, int n)
{
    int out_starts[n], in_starts[n];
    places(out_counts, n, out_starts);
    places(in_counts, n, in_starts);
    return MPI_Alltoallv(out, out_counts, out_starts, MPI_BYTE, in, in_counts, in_starts, MPI_BYTE, MPI_COMM_WORLD);
}

int modnet_mpi_gather(const void *own, int length, void *all, const int *counts, int n)
{
    int starts[n];
    places(counts, n, starts);
    return MPI_Allgatherv(own, length, MPI_BYTE, all, counts, starts, MPI_BYTE, MPI_COMM_WORLD);
}

void modnet_mpi_version(char *text, int length)
{
    char whole[MPI_MAX_LIBRARY_VERSION_STRING];
    int n;
    MPI_Get_library_version(whole, &n);
    strncpy(text, whole, length - 1);
    text[length - 1] = 0;
}

void modnet_mpi_abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }

int modnet_mpi_end(void) { return MPI_Finalize(); }
