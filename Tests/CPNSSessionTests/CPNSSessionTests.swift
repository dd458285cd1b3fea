// CPNSSession
