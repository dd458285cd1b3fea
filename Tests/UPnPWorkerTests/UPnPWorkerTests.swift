// UPnPWorker
