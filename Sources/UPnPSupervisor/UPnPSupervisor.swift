// UPnPSupervisor
