DROP TABLE key_package;
