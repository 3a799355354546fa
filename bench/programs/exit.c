// Ends at once, after its libraries have been loaded and initialised.
int main(void) { return 0; }
