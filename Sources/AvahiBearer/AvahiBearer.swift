// AvahiBearer
