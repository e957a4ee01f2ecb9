// Open MPI's handles and sentinels are macros with casts, which Swift cannot import: one getter for each that is used.
#ifndef SIPAT_COPENMPI_SHIM_H
#define SIPAT_COPENMPI_SHIM_H

#include <mpi.h>

static inline MPI_Comm shim_comm_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Comm shim_comm_null(void) { return MPI_COMM_NULL; }
static inline MPI_Info shim_info_null(void) { return MPI_INFO_NULL; }
static inline MPI_Errhandler shim_errors_return(void) { return MPI_ERRORS_RETURN; }
static inline MPI_Request shim_request_null(void) { return MPI_REQUEST_NULL; }

static inline const void *shim_in_place(void) { return MPI_IN_PLACE; }
static inline MPI_Status *shim_status_ignore(void) { return MPI_STATUS_IGNORE; }

static inline MPI_Datatype shim_float(void) { return MPI_FLOAT; }
static inline MPI_Datatype shim_double(void) { return MPI_DOUBLE; }
static inline MPI_Datatype shim_int32(void) { return MPI_INT32_T; }
static inline MPI_Datatype shim_int64(void) { return MPI_INT64_T; }
static inline MPI_Datatype shim_uint8(void) { return MPI_UINT8_T; }
static inline MPI_Datatype shim_uint16(void) { return MPI_UINT16_T; }
static inline MPI_Datatype shim_uint64(void) { return MPI_UINT64_T; }

static inline MPI_Op shim_sum(void) { return MPI_SUM; }
static inline MPI_Op shim_min(void) { return MPI_MIN; }
static inline MPI_Op shim_max(void) { return MPI_MAX; }
static inline MPI_Op shim_land(void) { return MPI_LAND; }
static inline MPI_Op shim_lor(void) { return MPI_LOR; }

#endif
