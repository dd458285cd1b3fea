// CPNSMessages
