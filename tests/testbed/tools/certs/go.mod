module monitored-models/testbed/certs

go 1.24
