typedef unsigned int count_t;
enum colour { RED, GREEN };

provider shop {
	probe open();
	probe sale__done(int, char *item, count_t, int64_t);
	probe kinds(signed char, unsigned short, enum colour, string, int *[2], double, float);
	probe till(struct till *t) : (struct till *t);
	probe by_value(struct till contents);
};

#pragma D attributes Evolving/Evolving/Common provider shop provider

provider back_office {
	probe a___b(_Bool);
};
