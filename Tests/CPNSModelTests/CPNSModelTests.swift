// CPNSModel
