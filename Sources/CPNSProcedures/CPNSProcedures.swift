// CPNSProcedures
